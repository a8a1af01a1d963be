//! Tables that select, checked while planning.

use momus_engine::step::{Block, BlockError};

use super::build::has_references;
use super::marker::Marker;
use super::place::{CALL, LINE, Places, RECORD, RESPONSE, ROW};

/// That a table has not two columns.
pub(super) fn columns(cells: usize) -> String {
    let cells = match cells {
        1 => "one column".to_owned(),
        cells => format!("{cells} columns"),
    };
    format!("this table has {cells}; hint: a table that selects has two: a place, and what is expected there")
}

/// Tells while planning what is wrong with a table that selects among what has these places.
///
/// # Errors
/// The first thing that is wrong, at its cell.
pub fn check(places: &Places, block: &Block) -> Result<(), BlockError> {
    if matches!(block, Block::Text { .. }) {
        return Err(BlockError::whole(
            "this step takes a table and no doc string; hint: a row each: a place, and what is expected there",
        ));
    }
    for (at, row) in block.rows().iter().enumerate() {
        let [place, cell] = row.as_slice() else {
            return Err(BlockError {
                row: Some(at),
                cell: None,
                message: columns(row.len()),
            });
        };
        // What a reference stands for is known when the step runs.
        if !has_references(place) {
            places
                .parse(place)
                .map_err(|message| BlockError::cell(at, 0, message))?;
        }
        if let Some(marker) = cell.strip_prefix('#') {
            Marker::check(marker).map_err(|message| BlockError::cell(at, 1, message))?;
        }
    }
    Ok(())
}

/// Checks a table that selects records.
///
/// # Errors
/// See [`check`].
pub fn check_record(block: &Block) -> Result<(), BlockError> {
    check(&RECORD, block)
}

/// Checks a table that selects rows.
///
/// # Errors
/// See [`check`].
pub fn check_row(block: &Block) -> Result<(), BlockError> {
    check(&ROW, block)
}

/// Checks a table that selects lines of an object.
///
/// # Errors
/// See [`check`].
pub fn check_line(block: &Block) -> Result<(), BlockError> {
    check(&LINE, block)
}

/// Checks a table that says what a response has.
///
/// # Errors
/// See [`check`].
pub fn check_response(block: &Block) -> Result<(), BlockError> {
    check(&RESPONSE, block)
}

/// Checks a table that selects calls to a partner.
///
/// # Errors
/// See [`check`].
pub fn check_call(block: &Block) -> Result<(), BlockError> {
    check(&CALL, block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_told_the_cell_that_is_wrong() {
        let table = |rows: &[&[&str]]| {
            Block::Table(
                rows.iter()
                    .map(|row| row.iter().map(|&cell| cell.into()).collect())
                    .collect(),
            )
        };
        let error = |block: Block| check_record(&block).unwrap_err();
        let wrong = error(table(&[&["key", "a"], &["$.id", "#uid"]]));
        assert_eq!((wrong.row, wrong.cell), (Some(1), Some(1)));
        assert_eq!(wrong.message, "there is no marker `#uid`; hint: did you mean `#uuid`?");
        let wrong = error(table(&[&["kye", "a"]]));
        assert_eq!((wrong.row, wrong.cell), (Some(0), Some(0)));
        let wrong = error(table(&[&["key", "a", "b"]]));
        assert_eq!((wrong.row, wrong.cell), (Some(0), None));
        assert!(
            wrong.message.starts_with("this table has 3 columns; hint: "),
            "{}",
            wrong.message
        );
        assert_eq!(check_record(&table(&[&["$.a[${n}]", "#after ${t}"]])), Ok(()));
        let doc = Block::Text {
            content: String::new(),
            media_type: None,
        };
        assert_eq!(error(doc).row, None);
    }
}
