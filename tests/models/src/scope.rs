//! The expressions of one request with their placeholders: what they refer to, what they come to.

use crate::{
    answer::Refusal,
    attribute::{self, Item, one},
    expression::{self, Condition, Element, Expression, Path, Term, Tree, Update},
    number::Number,
    projection::overlap,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, rc::Rc};

/// One step into a document, with the placeholder looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

/// Expressions, names and values of one request.
pub(crate) struct Scope<'a> {
    expressions: Vec<(&'static str, Rc<Expression>)>,
    names: Option<&'a Map<String, Value>>,
    values: BTreeMap<&'a str, Value>,
}

pub(crate) fn wrong(member: &str, what: &str) -> Refusal {
    Refusal::validation(format!("Invalid {member}: {what}"))
}

impl<'a> Scope<'a> {
    /// Reads the expressions that a request has under the given members.
    pub fn of(body: &'a Value, members: &[&'static str]) -> Result<Self, Refusal> {
        let mut expressions = Vec::new();
        for member in members {
            match body.get(*member) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => {
                    expressions.push((*member, expression::parse(member, text)?));
                }
                Some(_) => return Err(Refusal::new("SerializationException", "")),
            }
        }
        let map = |member: &str| body.get(member).and_then(Value::as_object);
        let names = map("ExpressionAttributeNames");
        let mut scope = Self {
            names,
            values: BTreeMap::new(),
            expressions,
        };
        for (member, given) in [
            ("ExpressionAttributeNames", names),
            (
                "ExpressionAttributeValues",
                map("ExpressionAttributeValues"),
            ),
        ] {
            let Some(given) = given else { continue };
            if scope.expressions.is_empty() {
                return Err(Refusal::validation(format!(
                    "{member} can only be specified when using expressions"
                )));
            }
            if given.is_empty() {
                return Err(Refusal::validation(format!("{member} must not be empty")));
            }
        }
        for (name, value) in map("ExpressionAttributeValues").into_iter().flatten() {
            scope.values.insert(name, attribute::canonical(value)?);
        }
        scope.check_placeholders()?;
        for (member, parsed) in &scope.expressions {
            if let Tree::Condition(condition) = &parsed.tree {
                scope.check(member, condition)?;
            }
        }
        Ok(scope)
    }

    fn check_placeholders(&self) -> Result<(), Refusal> {
        let has_name = |alias: &str| self.names.is_some_and(|names| names.contains_key(alias));
        for (member, parsed) in &self.expressions {
            if let Some(alias) = parsed.names.iter().find(|alias| !has_name(alias)) {
                return Err(wrong(
                    member,
                    &format!(
                        "An expression attribute name used in the document path is not defined; attribute name: {alias}"
                    ),
                ));
            }
            let missing = |value: &&String| !self.values.contains_key(value.as_str());
            if let Some(value) = parsed.values.iter().find(missing) {
                return Err(wrong(
                    member,
                    &format!(
                        "An expression attribute value used in expression is not defined; attribute value: {value}"
                    ),
                ));
            }
        }
        let all = || self.expressions.iter().map(|(_, parsed)| parsed);
        let mut names = self
            .names
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        let mut values = self.values.keys().copied();
        let unused = [
            (
                "ExpressionAttributeNames",
                names.find(|name| !all().any(|parsed| parsed.names.contains(*name))),
            ),
            (
                "ExpressionAttributeValues",
                values.find(|value| !all().any(|parsed| parsed.values.contains(*value))),
            ),
        ];
        for (member, key) in unused {
            if let Some(key) = key {
                return Err(Refusal::validation(format!(
                    "Value provided in {member} unused in expressions: keys: {{{key}}}"
                )));
            }
        }
        Ok(())
    }

    fn tree(&self, member: &str) -> Option<&Tree> {
        let mut all = self.expressions.iter();
        Some(&all.find(|(name, _)| *name == member)?.1.tree)
    }

    /// The condition under a member of the request.
    pub fn condition(&self, member: &str) -> Option<&Condition> {
        match self.tree(member)? {
            Tree::Condition(condition) => Some(condition),
            _ => None,
        }
    }

    pub fn update(&self) -> Option<&Update> {
        match self.tree("UpdateExpression")? {
            Tree::Update(update) => Some(update),
            _ => None,
        }
    }

    /// The paths of ProjectionExpression.
    pub fn projection(&self) -> Result<Option<Vec<Vec<Step<'_>>>>, Refusal> {
        let Some(Tree::Projection(paths)) = self.tree("ProjectionExpression") else {
            return Ok(None);
        };
        let paths: Vec<_> = paths.iter().map(|path| self.steps(path)).collect();
        overlap("ProjectionExpression", &paths)?;
        Ok(Some(paths))
    }

    pub fn value(&self, name: &str) -> &Value {
        &self.values[name]
    }

    fn step<'s>(&'s self, element: &'s Element) -> Step<'s> {
        match element {
            Element::Name(name) => Step::Name(name),
            Element::Alias(alias) => {
                let name = self.names.and_then(|names| names.get(alias));
                Step::Name(name.and_then(Value::as_str).unwrap_or_default())
            }
            Element::Index(index) => Step::Index(*index),
        }
    }

    pub fn steps<'s>(&'s self, path: &'s Path) -> Vec<Step<'s>> {
        path.iter().map(|element| self.step(element)).collect()
    }

    /// What a path leads to.
    pub fn find<'i>(&self, item: &'i Item, path: &Path) -> Option<&'i Value> {
        let mut elements = path.iter().map(|element| self.step(element));
        let Step::Name(first) = elements.next()? else {
            return None;
        };
        elements.try_fold(item.get(first)?, |value, step| match step {
            Step::Name(name) => value.get("M")?.get(name),
            Step::Index(index) => value.get("L")?.get(index),
        })
    }

    /// What a term comes to, from the item as it was before the update.
    pub fn term(&self, item: &Item, term: &Term) -> Result<Value, Refusal> {
        Ok(match term {
            Term::Value(name) => self.value(name).clone(),
            Term::Path(path) => self.find(item, path).cloned().ok_or_else(|| {
                Refusal::validation(
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            })?,
            Term::IfMissing(path, otherwise) => match self.find(item, path) {
                Some(value) => value.clone(),
                None => self.term(item, otherwise)?,
            },
            Term::Append(front, back) => {
                let list = |term| match self.term(item, term)?.get_mut("L").map(Value::take) {
                    Some(Value::Array(list)) => Ok(list),
                    _ => Err(incorrect_type()),
                };
                let mut joined = list(front)?;
                joined.extend(list(back)?);
                one("L", joined)
            }
            Term::Plus(left, right) => self.sum(item, left, right, Number::plus)?,
            Term::Minus(left, right) => self.sum(item, left, right, Number::minus)?,
        })
    }

    fn sum(
        &self,
        item: &Item,
        left: &Term,
        right: &Term,
        how: fn(Number, Number) -> Result<Number, Refusal>,
    ) -> Result<Value, Refusal> {
        let number = |term| attribute::number(&self.term(item, term)?).ok_or_else(incorrect_type);
        Ok(one("N", how(number(left)?, number(right)?)?.text()))
    }
}

pub(crate) fn incorrect_type() -> Refusal {
    Refusal::validation("An operand in the update expression has an incorrect data type")
}
