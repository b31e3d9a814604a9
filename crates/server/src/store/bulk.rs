//! One statement for many rows.
//!
//! A statement costs a way to the database's thread and back, which is most of what a small one
//! costs. Rows are therefore given as `VALUES (?, ?), (?, ?), …`, in sizes that are powers of two,
//! so that there are few texts and each stays prepared. This is the one place where parameters have
//! no numbers: SQLite looks a numbered one up by walking over all before it, which for a thousand
//! of them takes longer than the rest. PostgreSQL is to be given `$1, $2, …` here.

use std::sync::OnceLock;

/// Rows in one statement, at most: 2 to the power of the last size.
const MOST: usize = 128;
const SIZES: usize = 8;

/// A statement with a list of rows in the middle. Its columns are `column1`, `column2`, … where it
/// is read from, on SQLite and PostgreSQL alike.
pub struct Bulk {
    head: &'static str,
    /// One per column: the type it is to have, or nothing where it is text.
    casts: &'static [&'static str],
    tail: &'static str,
    texts: [OnceLock<String>; SIZES],
}

impl Bulk {
    /// `head`, then the rows, then `tail`.
    #[must_use]
    pub const fn new(
        head: &'static str,
        casts: &'static [&'static str],
        tail: &'static str,
    ) -> Self {
        Self {
            head,
            casts,
            tail,
            texts: [const { OnceLock::new() }; SIZES],
        }
    }

    /// The statement for so many rows, a power of two.
    fn text(&'static self, rows: usize) -> &'static str {
        let size = rows.trailing_zeros() as usize;
        self.texts
            .get(size)
            .map_or("", |text| text.get_or_init(|| self.write(rows)))
    }

    fn write(&self, rows: usize) -> String {
        let cells = self.casts.iter().map(|cast| match *cast {
            "" => "?".to_owned(),
            cast => format!("CAST(? AS {cast})"),
        });
        let row = format!("({})", cells.collect::<Vec<_>>().join(", "));
        let rows = vec![row; rows].join(", ");
        format!("{}{rows}{}", self.head, self.tail)
    }

    /// Statements with exactly these rows, for inserting.
    pub fn exactly<'a, T>(
        &'static self,
        rows: &'a [T],
    ) -> impl Iterator<Item = (&'static str, &'a [T])> {
        let mut left = rows;
        std::iter::from_fn(move || {
            if left.is_empty() {
                return None;
            }
            // The highest power of two that is left.
            let size = (1 << left.len().ilog2()).min(MOST);
            let (now, later) = left.split_at_checked(size)?;
            left = later;
            Some((self.text(size), now))
        })
    }

    /// Statements in which the last row may be repeated, for looking up and for updating, where
    /// that changes nothing.
    pub fn filled<'a, T>(
        &'static self,
        rows: &'a [T],
    ) -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'a T>)> {
        rows.chunks(MOST).map(|chunk| {
            let size = chunk.len().next_power_of_two();
            let rest = chunk.last().into_iter().cycle();
            (self.text(size), chunk.iter().chain(rest).take(size))
        })
    }

    /// The statement for one row, to be explained.
    #[cfg(test)]
    pub(crate) fn example(&'static self) -> &'static str {
        self.text(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static INSERT: Bulk = Bulk::new("INSERT INTO t (a, n) VALUES ", &["", "BIGINT"], " END");

    #[test]
    fn exactly_takes_each_row_once() {
        let rows: Vec<usize> = (0..300).collect();
        let mut seen = Vec::new();
        for (sql, rows) in INSERT.exactly(&rows) {
            assert_eq!(sql.matches('(').count(), 1 + 2 * rows.len());
            seen.extend_from_slice(rows);
        }
        assert_eq!(seen, rows);
        assert_eq!(INSERT.exactly(&[0; 0]).count(), 0);
    }

    #[test]
    fn filled_repeats_the_last_row_up_to_a_power_of_two() {
        let rows = [1, 2, 3];
        let all: Vec<Vec<_>> = INSERT
            .filled(&rows)
            .map(|(_, rows)| rows.copied().collect())
            .collect();
        assert_eq!(all, [[1, 2, 3, 3]]);
        assert_eq!(INSERT.filled(&[0; 300]).count(), 3);
    }

    #[test]
    fn a_text_has_as_many_rows_as_it_is_for() {
        assert_eq!(
            INSERT.text(2),
            "INSERT INTO t (a, n) VALUES (?, CAST(? AS BIGINT)), (?, CAST(? AS BIGINT)) END"
        );
    }
}
