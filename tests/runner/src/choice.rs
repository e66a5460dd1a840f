//! The rules of Choice states.

use std::cmp::Ordering;

use serde_json::Value;

use crate::fields::Fields;
use crate::path::Path;
use crate::words::Refusal;

/// One condition.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Test { variable: Path, test: Test },
}

/// What a variable is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Is(Value),
    Number(&'static [Ordering], f64),
    Present(bool),
    Null(bool),
}

impl Rule {
    /// Reads the condition of `fields`; `Next` and `Comment` are the caller's.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Rule, Refusal> {
        let rule = if let Some(list) = fields.take("And") {
            Rule::And(Rule::list(fields, "And", list)?)
        } else if let Some(list) = fields.take("Or") {
            Rule::Or(Rule::list(fields, "Or", list)?)
        } else if let Some(value) = fields.take("Not") {
            let mut inner = fields.inner("Not", value)?;
            let rule = Rule::read(&mut inner)?;
            inner.finish()?;
            Rule::Not(Box::new(rule))
        } else {
            let variable = fields.need_path("Variable")?;
            Rule::Test {
                variable,
                test: Rule::test(fields)?,
            }
        };
        Ok(rule)
    }

    fn list(fields: &Fields<'_>, name: &str, value: &Value) -> Result<Vec<Rule>, Refusal> {
        let list = value.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| fields.refuse(name, "is not a list of conditions"))?;
        list.iter()
            .map(|value| {
                let mut inner = fields.inner(name, value)?;
                let rule = Rule::read(&mut inner)?;
                inner.finish().map(|()| rule)
            })
            .collect()
    }

    fn test(fields: &mut Fields<'_>) -> Result<Test, Refusal> {
        const NUMBERS: [(&str, &[Ordering]); 5] = [
            ("NumericEquals", &[Ordering::Equal]),
            ("NumericLessThan", &[Ordering::Less]),
            ("NumericGreaterThan", &[Ordering::Greater]),
            ("NumericLessThanEquals", &[Ordering::Less, Ordering::Equal]),
            (
                "NumericGreaterThanEquals",
                &[Ordering::Greater, Ordering::Equal],
            ),
        ];
        if let Some(value) = fields.take("StringEquals") {
            return match value {
                Value::String(_) => Ok(Test::Is(value.clone())),
                _ => Err(fields.refuse("StringEquals", "is not text")),
            };
        }
        for (name, make) in [
            ("BooleanEquals", None),
            ("IsPresent", Some(Test::Present as fn(bool) -> Test)),
            ("IsNull", Some(Test::Null)),
        ] {
            if let Some(value) = fields.take(name) {
                let yes = value
                    .as_bool()
                    .ok_or_else(|| fields.refuse(name, "is neither true nor false"))?;
                return Ok(make.map_or(Test::Is(Value::Bool(yes)), |make| make(yes)));
            }
        }
        for (name, orders) in NUMBERS {
            if let Some(value) = fields.take(name) {
                let number = value
                    .as_f64()
                    .ok_or_else(|| fields.refuse(name, "is not a number"))?;
                return Ok(Test::Number(orders, number));
            }
        }
        Err(fields.refuse("Variable", "has no comparison that this runner knows"))
    }

    /// Whether it holds. A variable that is not there is an error for every comparison but `IsPresent`;
    /// one of another type is unequal. The error is a sentence.
    pub(crate) fn holds(&self, input: &Value) -> Result<bool, String> {
        Ok(match self {
            Rule::And(rules) => {
                for rule in rules {
                    if !rule.holds(input)? {
                        return Ok(false);
                    }
                }
                true
            }
            Rule::Or(rules) => {
                for rule in rules {
                    if rule.holds(input)? {
                        return Ok(true);
                    }
                }
                false
            }
            Rule::Not(rule) => !rule.holds(input)?,
            Rule::Test { variable, test } => {
                let found = variable.get(input);
                if let Test::Present(wanted) = test {
                    return Ok(found.is_some() == *wanted);
                }
                let value = found.ok_or_else(|| {
                    format!("Invalid path '{}': The choice state's condition path references an invalid value.", variable.text())
                })?;
                match test {
                    Test::Present(_) => false,
                    Test::Is(wanted) => value == wanted,
                    Test::Null(wanted) => value.is_null() == *wanted,
                    Test::Number(orders, wanted) => {
                        let order = value.as_f64().and_then(|value| value.partial_cmp(wanted));
                        order.is_some_and(|order| orders.contains(&order))
                    }
                }
            }
        })
    }
}
