//! Conditions: what DynamoDB refuses before it looks at an item, and whether one holds for an item.

use crate::{
    answer::Refusal,
    attribute::{self, Item, compare, members, one, parts},
    expression::{Condition, Operand},
    scope::{Scope, wrong},
};
use serde_json::Value;
use std::{borrow::Cow, cmp::Ordering};

const TYPES: &[&str] = &["S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"];

fn wrong_type(member: &str, operator: &str, value: &Value) -> Refusal {
    let kind = parts(value).0;
    wrong(
        member,
        &format!(
            "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
        ),
    )
}

impl Scope<'_> {
    fn literal(&self, operand: &Operand) -> Option<&Value> {
        match operand {
            Operand::Value(name) => Some(self.value(name)),
            _ => None,
        }
    }

    /// What DynamoDB refuses without looking at an item.
    pub fn check(&self, member: &str, condition: &Condition) -> Result<(), Refusal> {
        let ordered = |operator: &str, operand: &Operand| match self.literal(operand) {
            Some(value) if !matches!(parts(value).0, "S" | "N") => {
                Err(wrong_type(member, operator, value))
            }
            _ => Ok(()),
        };
        match condition {
            Condition::Compare(operator, left, right) if !matches!(*operator, "=" | "<>") => {
                ordered(operator, left)?;
                ordered(operator, right)
            }
            Condition::Between(value, low, high) => {
                for operand in [value, low, high] {
                    ordered("BETWEEN", operand)?;
                }
                if let (Some(low), Some(high)) = (self.literal(low), self.literal(high)) {
                    let problem = match compare(low, high) {
                        None => "same data type for lower and upper bounds",
                        Some(Ordering::Greater) => {
                            "upper bound to be greater than or equal to lower bound"
                        }
                        Some(_) => return Ok(()),
                    };
                    return Err(wrong(
                        member,
                        &format!("The BETWEEN operator requires {problem}"),
                    ));
                }
                Ok(())
            }
            Condition::Type(_, name) => {
                let value = self.value(name);
                match parts(value) {
                    ("S", Value::String(kind)) if TYPES.contains(&kind.as_str()) => Ok(()),
                    ("S", Value::String(kind)) => Err(wrong(
                        member,
                        &format!(
                            "Invalid attribute type name found; type: {kind}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                        ),
                    )),
                    _ => Err(wrong_type(member, "attribute_type", value)),
                }
            }
            Condition::Begins(whole, part) => {
                for operand in [whole, part] {
                    if let Some(value) = self.literal(operand).filter(|value| parts(value).0 != "S")
                    {
                        return Err(wrong_type(member, "begins_with", value));
                    }
                }
                Ok(())
            }
            Condition::And(left, right) | Condition::Or(left, right) => {
                self.check(member, left)?;
                self.check(member, right)
            }
            Condition::Not(inner) => self.check(member, inner),
            _ => Ok(()),
        }
    }

    fn operand<'i>(&'i self, item: &'i Item, operand: &Operand) -> Option<Cow<'i, Value>> {
        match operand {
            Operand::Value(name) => Some(Cow::Borrowed(self.value(name))),
            Operand::Path(path) => self.find(item, path).map(Cow::Borrowed),
            Operand::Size(path) => {
                let size = attribute::size(self.find(item, path)?)?;
                Some(Cow::Owned(one("N", size.to_string())))
            }
        }
    }

    /// Whether a condition holds for an item; an item that is not there is an empty one.
    pub fn holds(&self, item: &Item, condition: &Condition) -> bool {
        let value = |operand: &Operand| self.operand(item, operand);
        let order = |left: &Operand, right: &Operand| compare(&*value(left)?, &*value(right)?);
        match condition {
            Condition::Compare("=", left, right) => {
                value(left).is_some() && value(left) == value(right)
            }
            // What is not there differs from everything.
            Condition::Compare("<>", left, right) => {
                value(left).is_none() || value(left) != value(right)
            }
            Condition::Compare(operator, left, right) => {
                order(left, right).is_some_and(|order| match *operator {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Condition::Between(middle, low, high) => {
                order(middle, low).is_some_and(Ordering::is_ge)
                    && order(middle, high).is_some_and(Ordering::is_le)
            }
            Condition::In(left, choices) => {
                value(left).is_some() && choices.iter().any(|choice| value(choice) == value(left))
            }
            Condition::Exists(path) => self.find(item, path).is_some(),
            Condition::Missing(path) => self.find(item, path).is_none(),
            Condition::Type(path, kind) => self
                .find(item, path)
                .is_some_and(|found| self.value(kind)["S"] == parts(found).0),
            Condition::Begins(whole, part) => {
                let text = |operand| Some(value(operand)?["S"].as_str()?.to_owned());
                matches!((text(whole), text(part)), (Some(whole), Some(part)) if whole.starts_with(&part))
            }
            Condition::Contains(whole, part) => match (value(whole), value(part)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
            Condition::And(left, right) => self.holds(item, left) && self.holds(item, right),
            Condition::Or(left, right) => self.holds(item, left) || self.holds(item, right),
            Condition::Not(inner) => !self.holds(item, inner),
        }
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (parts(whole), parts(part)) {
        (("S", Value::String(whole)), ("S", Value::String(part))) => whole.contains(part.as_str()),
        (("L", Value::Array(list)), _) => list.contains(part),
        ((kind, _), (one, Value::String(part))) if kind.len() == 2 && kind.starts_with(one) => {
            members(whole).is_some_and(|(_, members)| members.contains(part))
        }
        _ => false,
    }
}
