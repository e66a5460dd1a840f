//! The syntax of DynamoDB's expressions: text in, a tree out, each text parsed once per thread.
//!
//! By the developer guide's "Expressions" and what DynamoDB is known to refuse: reserved words
//! without a placeholder, redundant parentheses, an operator between an attribute and itself,
//! list_append inside a function, a clause used twice.

use crate::{answer::Refusal, tokens::Tokens};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// One element of a document path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Name(String),
    /// `#name`, to be looked up in ExpressionAttributeNames.
    Alias(String),
    Index(usize),
}

pub(crate) type Path = Vec<Element>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    /// `:value`, to be looked up in ExpressionAttributeValues.
    Value(String),
    Size(Path),
}

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Compare(&'static str, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    Missing(Path),
    Type(Path, String),
    Begins(Operand, Operand),
    Contains(Operand, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// What SET may take a value from.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Path(Path),
    Value(String),
    IfMissing(Path, Box<Term>),
    Append(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Update {
    pub sets: Vec<(Path, Term)>,
    pub removes: Vec<Path>,
    pub adds: Vec<(Path, String)>,
    pub deletes: Vec<(Path, String)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Condition(Condition),
    Update(Update),
    Projection(Vec<Path>),
}

/// A parsed expression and the placeholders it uses.
#[derive(Debug)]
pub(crate) struct Expression {
    pub tree: Tree,
    pub names: BTreeSet<String>,
    pub values: BTreeSet<String>,
}

/// The developer guide's limit of an expression's text.
const BYTES: usize = 4096;
/// Our workers write some dozens of different texts; after this many all are forgotten.
const KEPT: usize = 4096;

type Known = BTreeMap<&'static str, BTreeMap<String, Result<Rc<Expression>, Refusal>>>;
thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(BTreeMap::new()) };
}

/// Parses an expression. `member` is what it is called in the request: `UpdateExpression`.
pub(crate) fn parse(member: &'static str, text: &str) -> Result<Rc<Expression>, Refusal> {
    KNOWN.with_borrow_mut(|known| {
        let known = known.entry(member).or_default();
        if let Some(parsed) = known.get(text) {
            return parsed.clone();
        }
        let parsed = read(member, text)
            .map(Rc::new)
            .map_err(|problem| Refusal::validation(format!("Invalid {member}: {problem}")));
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(text.to_owned(), parsed.clone());
        parsed
    })
}

fn read(member: &str, text: &str) -> Result<Expression, String> {
    if text.trim().is_empty() {
        return Err("The expression can not be empty;".into());
    }
    if text.len() > BYTES {
        return Err(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {}",
            text.len()
        ));
    }
    let mut parser = Parser {
        tokens: Tokens::of(text)?,
        names: BTreeSet::new(),
        values: BTreeSet::new(),
    };
    let tree = match member {
        "UpdateExpression" => Tree::Update(parser.update()?),
        "ProjectionExpression" => Tree::Projection(parser.list(Parser::path)?),
        _ => Tree::Condition(parser.either()?),
    };
    parser.tokens.end()?;
    Ok(Expression {
        tree,
        names: parser.names,
        values: parser.values,
    })
}

struct Parser {
    tokens: Tokens,
    names: BTreeSet<String>,
    values: BTreeSet<String>,
}

const COMPARATORS: &[&str] = &["=", "<>", "<", "<=", ">", ">="];

impl Parser {
    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut list = vec![one(self)?];
        while self.tokens.take(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut path = vec![self.element()?];
        loop {
            if self.tokens.take(".") {
                path.push(self.element()?);
            } else if self.tokens.take("[") {
                path.push(Element::Index(self.tokens.index()?));
                self.tokens.expect("]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn element(&mut self) -> Result<Element, String> {
        if let Some(alias) = self.tokens.placeholder('#') {
            self.names.insert(alias.clone());
            return Ok(Element::Alias(alias));
        }
        self.tokens.name().map(Element::Name)
    }

    fn value(&mut self) -> Option<String> {
        let value = self.tokens.placeholder(':')?;
        self.values.insert(value.clone());
        Some(value)
    }

    fn needed_value(&mut self) -> Result<String, String> {
        self.value().ok_or_else(|| self.tokens.problem())
    }

    // ---------------------------------------------------------------- conditions

    fn either(&mut self) -> Result<Condition, String> {
        let mut left = self.both()?;
        while self.tokens.take_word("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut left = self.negated()?;
        while self.tokens.take_word("AND") {
            left = Condition::And(Box::new(left), Box::new(self.negated()?));
        }
        Ok(left)
    }

    fn negated(&mut self) -> Result<Condition, String> {
        if self.tokens.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.negated()?)));
        }
        if !self.tokens.take("(") {
            return self.test();
        }
        let began = self.tokens.at();
        let inner = self.either()?;
        let ended = self.tokens.at();
        self.tokens.expect(")")?;
        if self.tokens.wrapped(began, ended) {
            return Err("The expression has redundant parentheses;".into());
        }
        Ok(inner)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if let Some(value) = self.value() {
            return Ok(Operand::Value(value));
        }
        match self.tokens.function() {
            None => self.path().map(Operand::Path),
            Some(name) if name == "size" => {
                let path = self.needed_path("size")?;
                self.tokens.expect(")")?;
                Ok(Operand::Size(path))
            }
            Some(name) => Err(format!("Invalid function name; function: {name}")),
        }
    }

    fn needed_path(&mut self, function: &str) -> Result<Path, String> {
        match self.operand()? {
            Operand::Path(path) => Ok(path),
            _ => Err(format!(
                "Operator or function requires a document path; operator or function: {function}"
            )),
        }
    }

    fn test(&mut self) -> Result<Condition, String> {
        if self
            .tokens
            .next_function()
            .is_some_and(|name| name != "size")
        {
            return self.function_test();
        }
        let left = self.operand()?;
        if self.tokens.take_word("BETWEEN") {
            let low = self.operand()?;
            if !self.tokens.take_word("AND") {
                return Err(self.tokens.problem());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.tokens.take_word("IN") {
            self.tokens.expect("(")?;
            let choices = self.list(Self::operand)?;
            self.tokens.expect(")")?;
            if choices.len() > 100 {
                return Err("The IN operator is provided with too many operands; number of operands: over 100".into());
            }
            return Ok(Condition::In(left, choices));
        }
        let Some(comparator) = COMPARATORS.iter().find(|each| self.tokens.take(each)) else {
            return Err(self.tokens.problem());
        };
        let right = self.operand()?;
        if left == right {
            return Err(format!(
                "The first operand must be distinct from the remaining operands for this operator or function; operator: {comparator}"
            ));
        }
        Ok(Condition::Compare(comparator, left, right))
    }

    fn function_test(&mut self) -> Result<Condition, String> {
        let name = self.tokens.function().unwrap_or_default();
        let test = match name.as_str() {
            "attribute_exists" => Condition::Exists(self.needed_path(&name)?),
            "attribute_not_exists" => Condition::Missing(self.needed_path(&name)?),
            "attribute_type" => {
                let path = self.needed_path(&name)?;
                self.tokens.expect(",")?;
                Condition::Type(path, self.needed_value()?)
            }
            "begins_with" | "contains" => {
                let whole = self.operand()?;
                self.tokens.expect(",")?;
                let part = self.operand()?;
                if whole == part {
                    return Err(format!(
                        "The first operand must be distinct from the remaining operands for this operator or function; operator: {name}"
                    ));
                }
                if name == "contains" {
                    Condition::Contains(whole, part)
                } else {
                    Condition::Begins(whole, part)
                }
            }
            _ => return Err(format!("Invalid function name; function: {name}")),
        };
        self.tokens.expect(")")?;
        Ok(test)
    }

    // ---------------------------------------------------------------- updates

    fn update(&mut self) -> Result<Update, String> {
        let mut update = Update::default();
        let mut seen = BTreeSet::new();
        while !self.tokens.is_at_end() {
            let Some(clause) = ["SET", "REMOVE", "ADD", "DELETE"]
                .into_iter()
                .find(|word| self.tokens.take_word(word))
            else {
                return Err(self.tokens.problem());
            };
            if !seen.insert(clause) {
                return Err(format!(
                    "The \"{clause}\" section can only be used once in an update expression;"
                ));
            }
            match clause {
                "SET" => update.sets = self.list(Self::assignment)?,
                "REMOVE" => update.removes = self.list(Self::path)?,
                "ADD" => update.adds = self.list(Self::path_and_value)?,
                _ => update.deletes = self.list(Self::path_and_value)?,
            }
        }
        Ok(update)
    }

    fn path_and_value(&mut self) -> Result<(Path, String), String> {
        Ok((self.path()?, self.needed_value()?))
    }

    fn assignment(&mut self) -> Result<(Path, Term), String> {
        let path = self.path()?;
        self.tokens.expect("=")?;
        let left = self.term(false)?;
        let term = if self.tokens.take("+") {
            Term::Plus(Box::new(left), Box::new(self.term(false)?))
        } else if self.tokens.take("-") {
            Term::Minus(Box::new(left), Box::new(self.term(false)?))
        } else {
            left
        };
        Ok((path, term))
    }

    fn term(&mut self, inside: bool) -> Result<Term, String> {
        if let Some(value) = self.value() {
            return Ok(Term::Value(value));
        }
        let Some(name) = self.tokens.function() else {
            return self.path().map(Term::Path);
        };
        let first = self.term(true)?;
        self.tokens.expect(",")?;
        let second = self.term(true)?;
        self.tokens.expect(")")?;
        match (name.as_str(), first) {
            ("list_append", _) if inside => Err(format!(
                "The function is not allowed to be used this way in an expression; function: {name}"
            )),
            ("list_append", first) => Ok(Term::Append(Box::new(first), Box::new(second))),
            ("if_not_exists", Term::Path(path)) => Ok(Term::IfMissing(path, Box::new(second))),
            ("if_not_exists", _) => Err(format!(
                "Operator or function requires a document path; operator or function: {name}"
            )),
            _ => Err(format!("Invalid function name; function: {name}")),
        }
    }
}
