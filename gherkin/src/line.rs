use crate::dialect::{Dialect, KeywordType};
use crate::location::Location;

/// The delimiters of doc strings.
const DELIMITERS: [&str; 2] = ["\"\"\"", "```"];

/// One line of a file.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The whole line, without what ends it.
    pub(crate) raw: &'a str,
    /// The line without its indentation.
    pub(crate) text: &'a str,
    /// How many characters the indentation has.
    pub(crate) indent: u32,
    /// Its number, from 1.
    pub(crate) number: u32,
}

/// A tag or cell: its column, and its text.
pub(crate) type Span = (u32, String);

impl<'a> Line<'a> {
    /// A line of that number.
    pub(crate) fn new(raw: &'a str, number: u32) -> Self {
        let text = raw.trim_start();
        let indent = count(&raw[..raw.len() - text.len()]);
        Self {
            raw,
            text,
            indent,
            number,
        }
    }

    /// Where its text begins.
    pub(crate) fn location(&self) -> Location {
        Location::new(self.number, self.indent + 1)
    }

    /// The title of one of these keywords, followed by a colon: the keyword and the name.
    pub(crate) fn title(&self, keywords: &[&'static str]) -> Option<(&'static str, &'a str)> {
        keywords.iter().find_map(|keyword| {
            let name = self.text.strip_prefix(keyword)?.strip_prefix(':')?;
            Some((*keyword, name.trim()))
        })
    }

    /// A step's keyword and text.
    pub(crate) fn step(&self, dialect: &Dialect) -> Option<(&'static str, KeywordType, &'a str)> {
        dialect.steps.iter().find_map(|(keyword, kind)| {
            let text = self.text.strip_prefix(keyword)?;
            Some((*keyword, *kind, text.trim()))
        })
    }

    /// The name in a line `# language: NAME`.
    pub(crate) fn language(&self) -> Option<&'a str> {
        let rest = self.text.strip_prefix('#')?.trim_start().strip_prefix("language")?;
        let name = rest.trim_start().strip_prefix(':')?.trim();
        let letters = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
        (!name.is_empty() && name.chars().all(letters)).then_some(name)
    }

    /// The delimiter that opens a doc string here, and the media type after it.
    pub(crate) fn opening(&self) -> Option<(&'static str, &'a str)> {
        DELIMITERS
            .into_iter()
            .find_map(|delimiter| Some((delimiter, self.text.strip_prefix(delimiter)?.trim())))
    }

    /// The line as one of a doc string whose delimiter has this indentation.
    pub(crate) fn in_doc_string(&self, delimiter: &str, indent: u32) -> String {
        let text = if indent > self.indent {
            self.text
        } else {
            let from = self.raw.char_indices().nth(indent as usize);
            from.map_or("", |(at, _)| &self.raw[at..])
        };
        let escaped: String = delimiter.chars().flat_map(|c| ['\\', c]).collect();
        text.replace(&escaped, delimiter)
    }

    /// The tags of a line of tags, or the column of the first one that has a space in it.
    pub(crate) fn tags(&self) -> Result<Vec<Span>, u32> {
        let mut text = self.text;
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            if c == '#' && at > 0 && before.is_whitespace() {
                text = &text[..at];
                break;
            }
            before = c;
        }
        let mut tags = Vec::new();
        let mut column = self.indent + 1;
        for part in text.split('@').skip(1) {
            let name = part.trim_end();
            if name.contains(char::is_whitespace) {
                return Err(column);
            }
            if !name.is_empty() {
                tags.push((column, format!("@{name}")));
            }
            column += count(part) + 1;
        }
        Ok(tags)
    }

    /// The cells of a table's row; what follows the last `|` is none.
    pub(crate) fn cells(&self) -> Vec<Span> {
        let mut cells = Vec::new();
        let mut cell = String::new();
        let mut column = self.indent + 2;
        let mut begin = column;
        let mut rest = self.text.chars().skip(1);
        while let Some(c) = rest.next() {
            column += 1;
            match c {
                '|' => {
                    let space = |c: char| c.is_whitespace() && c != '\n';
                    let text = cell.trim_start_matches(space);
                    let indent = count(&cell[..cell.len() - text.len()]);
                    cells.push((begin + indent, text.trim_end_matches(space).to_owned()));
                    cell.clear();
                    begin = column;
                }
                '\\' => {
                    column += 1;
                    match rest.next() {
                        Some('n') => cell.push('\n'),
                        Some(c @ ('|' | '\\')) => cell.push(c),
                        Some(c) => cell.extend(['\\', c]),
                        None => {}
                    }
                }
                c => cell.push(c),
            }
        }
        cells
    }
}

/// How many characters a text has; more than fit in a number are not told apart.
fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Line;

    fn cells(raw: &str) -> Vec<(u32, String)> {
        Line::new(raw, 1).cells()
    }

    fn spans<const N: usize>(spans: [(u32, &str); N]) -> Vec<(u32, String)> {
        spans.map(|(column, text)| (column, text.to_owned())).to_vec()
    }

    #[test]
    fn cells_are_trimmed_and_know_their_columns() {
        assert_eq!(cells("  | a |  bc|"), spans([(5, "a"), (10, "bc")]));
        assert_eq!(cells("||x|"), spans([(2, ""), (3, "x")]));
        assert_eq!(cells("|   |"), spans([(5, "")]));
    }

    #[test]
    fn cells_resolve_escapes_and_keep_other_backslashes() {
        assert_eq!(cells(r"| a\|b | c\\ | d\ne | \d+ |").len(), 4);
        let texts = cells(r"| a\|b | c\\ | d\ne | \d+ |").into_iter().map(|(_, text)| text);
        assert_eq!(texts.collect::<Vec<_>>(), ["a|b", "c\\", "d\ne", "\\d+"]);
        assert_eq!(cells(r"|\n x|")[0].1, "\n x");
    }

    #[test]
    fn columns_count_characters_and_escapes_count_two() {
        assert_eq!(cells(r"| 🦀é | \| | z |"), spans([(3, "🦀é"), (8, "|"), (13, "z")]));
    }

    #[test]
    fn what_follows_the_last_bar_is_no_cell() {
        assert_eq!(cells("| a | b"), spans([(3, "a")]));
        assert_eq!(cells("| a \\"), spans([]));
    }

    #[test]
    fn tags_end_at_a_comment() {
        let tags = Line::new("  @a @b#c  @d #e @f", 1).tags();
        assert_eq!(tags, Ok(spans([(3, "@a"), (6, "@b#c"), (12, "@d")])));
    }

    #[test]
    fn a_tag_with_a_space_is_told_at_its_column() {
        assert_eq!(Line::new(" @ok @not ok @x", 1).tags(), Err(6));
    }

    #[test]
    fn a_language_line_may_have_spaces_anywhere() {
        assert_eq!(Line::new("  #  language  : en-au  ", 1).language(), Some("en-au"));
        assert_eq!(Line::new("# language: en 2", 1).language(), None);
        assert_eq!(Line::new("# languages: en", 1).language(), None);
    }
}
