//! Tag expressions: `@smoke and not (@slow or @flaky)`, as Cucumber defines them
//! (github.com/cucumber/tag-expressions): `not` binds closest, then `and`, then `or`.

/// Which scenarios are meant, by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagExpression {
    /// The scenario has the tag.
    Tag(String),
    /// The inner one does not hold.
    Not(Box<TagExpression>),
    /// Both hold.
    And(Box<TagExpression>, Box<TagExpression>),
    /// At least one holds.
    Or(Box<TagExpression>, Box<TagExpression>),
}

impl TagExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// A message that shows where it is not well formed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text);
        let mut parser = Parser {
            tokens: &tokens,
            next: 0,
        };
        let read = parser.or().and_then(|expression| match parser.peek() {
            None => Ok(expression),
            Some(token) => Err(format!("`{token}` is not expected there")),
        });
        read.map_err(|why| format!("`{text}` is no tag expression: {why}; hint: `@smoke and not (@slow or @flaky)`"))
    }

    /// Whether it holds of a scenario with these tags.
    pub fn holds(&self, tags: &[String]) -> bool {
        match self {
            Self::Tag(tag) => tags.contains(tag),
            Self::Not(inner) => !inner.holds(tags),
            Self::And(one, other) => one.holds(tags) && other.holds(tags),
            Self::Or(one, other) => one.holds(tags) || other.holds(tags),
        }
    }
}

/// Brackets and blanks part tokens; a backslash takes the next character as it is.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => token.extend(characters.next()),
            '(' | ')' => {
                tokens.push(std::mem::take(&mut token));
                tokens.push(character.to_string());
            }
            blank if blank.is_whitespace() => tokens.push(std::mem::take(&mut token)),
            other => token.push(other),
        }
    }
    tokens.push(token);
    tokens.retain(|token| !token.is_empty());
    tokens
}

struct Parser<'t> {
    tokens: &'t [String],
    next: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(String::as_str)
    }

    fn take(&mut self, token: &str) -> bool {
        let there = self.peek() == Some(token);
        self.next += usize::from(there);
        there
    }

    fn or(&mut self) -> Result<TagExpression, String> {
        let mut left = self.and()?;
        while self.take("or") {
            left = TagExpression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<TagExpression, String> {
        let mut left = self.not()?;
        while self.take("and") {
            left = TagExpression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<TagExpression, String> {
        if self.take("not") {
            return Ok(TagExpression::Not(Box::new(self.not()?)));
        }
        if self.take("(") {
            let inner = self.or()?;
            return if self.take(")") {
                Ok(inner)
            } else {
                Err("a bracket is left open".into())
            };
        }
        let token = self.peek().ok_or("a tag is missing at its end")?.to_owned();
        if !token.starts_with('@') {
            return Err(format!("`{token}` is no tag; tags begin with `@`"));
        }
        self.next += 1;
        Ok(TagExpression::Tag(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expression: &str, tags: &[&str]) -> bool {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        TagExpression::parse(expression).unwrap().holds(&tags)
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        assert!(holds("@a or @b and @c", &["@a"]));
        assert!(!holds("(@a or @b) and @c", &["@a"]));
        assert!(holds("not @a and @b", &["@b"]));
        assert!(!holds("not (@a or @b)", &["@b"]));
        assert!(holds("not not @a", &["@a"]));
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, why) in [
            ("", "a tag is missing"),
            ("@a and", "a tag is missing"),
            ("smoke", "tags begin with `@`"),
            ("(@a", "left open"),
            ("@a @b", "`@b` is not expected"),
            ("@a)", "`)` is not expected"),
        ] {
            let error = TagExpression::parse(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
