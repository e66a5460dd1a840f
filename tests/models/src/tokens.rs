//! The words of an expression.

/// The words DynamoDB keeps for itself, from the developer guide's "Reserved words in DynamoDB".
const RESERVED: &str = include_str!("reserved.txt");

/// An expression cut into words, and how far it has been read.
pub(crate) struct Tokens {
    words: Vec<String>,
    at: usize,
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

impl Tokens {
    pub fn of(text: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let plain = |from: usize| {
                rest[from..]
                    .find(|c| !is_word(c))
                    .map_or(rest.len(), |end| from + end)
            };
            let length = match first {
                '#' | ':' if plain(1) > 1 => plain(1),
                'a'..='z' | 'A'..='Z' => plain(0),
                '0'..='9' => {
                    let digits = rest.find(|c: char| !c.is_ascii_digit());
                    digits.unwrap_or(rest.len())
                }
                '<' if rest.starts_with("<>") || rest.starts_with("<=") => 2,
                '>' if rest.starts_with(">=") => 2,
                '(' | ')' | '[' | ']' | ',' | '.' | '+' | '-' | '=' | '<' | '>' => 1,
                _ => {
                    return Err(format!(
                        "Syntax error; token: \"{first}\", near: \"{rest}\""
                    ));
                }
            };
            words.push(rest[..length].to_owned());
            rest = rest[length..].trim_start();
        }
        Ok(Self { words, at: 0 })
    }

    fn next(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.words.len()
    }

    /// Whether the words from `began` to `ended` stand in parentheses of their own.
    pub fn wrapped(&self, began: usize, ended: usize) -> bool {
        if self.words[began] != "(" || self.words[ended - 1] != ")" {
            return false;
        }
        let mut depth = 0;
        self.words[began..ended - 1].iter().all(|word| {
            match word.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth > 0
        })
    }

    /// What is wrong with the next word.
    pub fn problem(&self) -> String {
        let near = &self.words[self.at.saturating_sub(1)..self.words.len().min(self.at + 2)];
        let token = if self.is_at_end() {
            "<EOF>"
        } else {
            self.next()
        };
        format!(
            "Syntax error; token: \"{token}\", near: \"{}\"",
            near.join(" ")
        )
    }

    pub fn take(&mut self, word: &str) -> bool {
        let there = self.next() == word;
        self.at += usize::from(there);
        there
    }

    /// A keyword, in any case.
    pub fn take_word(&mut self, word: &str) -> bool {
        let there = self.next().eq_ignore_ascii_case(word);
        self.at += usize::from(there);
        there
    }

    pub fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) {
            Ok(())
        } else {
            Err(self.problem())
        }
    }

    pub fn end(&self) -> Result<(), String> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(self.problem())
        }
    }

    /// `#name` or `:value`.
    pub fn placeholder(&mut self, sign: char) -> Option<String> {
        let found = Some(self.next())
            .filter(|word| word.starts_with(sign))
            .map(str::to_owned);
        self.at += usize::from(found.is_some());
        found
    }

    /// An attribute's name as it stands.
    pub fn name(&mut self) -> Result<String, String> {
        let name = self.next().to_owned();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(self.problem());
        }
        if RESERVED
            .split_whitespace()
            .any(|word| word.eq_ignore_ascii_case(&name))
        {
            return Err(format!(
                "Attribute name is a reserved keyword; reserved keyword: {name}"
            ));
        }
        self.at += 1;
        Ok(name)
    }

    pub fn index(&mut self) -> Result<usize, String> {
        let index = self.next().parse().map_err(|_| self.problem())?;
        self.at += 1;
        Ok(index)
    }

    /// The name of a function whose call begins here; not taken.
    pub fn next_function(&self) -> Option<&str> {
        let called = self.words.get(self.at + 1).is_some_and(|word| word == "(");
        Some(self.next())
            .filter(|name| called && name.starts_with(|c: char| c.is_ascii_alphabetic()))
    }

    /// The name of a function, taken with its opening parenthesis.
    pub fn function(&mut self) -> Option<String> {
        let name = self.next_function()?.to_owned();
        self.at += 2;
        Some(name)
    }
}
