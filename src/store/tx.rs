//! What a closure sees of the database: [`Tx`] to read, [`WriteTx`] to read and write.
//!
//! All statements go through the connection's cache, so that the text of a statement is parsed once a connection.

use super::StoreError;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use std::{cell::Cell, ops::Deref};

/// One consistent view of the database.
pub struct Tx<'c>(&'c Connection);

/// A view that can be changed. Only the writer thread makes one.
pub struct WriteTx<'c> {
    tx: Tx<'c>,
    again: bool,
    announced: Cell<bool>,
    scrubs: Cell<bool>,
    outdates: Cell<bool>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    /// The one row that must be there.
    ///
    /// # Errors
    /// The database's own; no such row is one of them.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(self.prepared(sql)?.query_row(params, read)?)
    }

    /// The row, if it is there.
    ///
    /// # Errors
    /// The database's own.
    pub fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.prepared(sql)?.query_row(params, read).optional()?)
    }

    /// All rows, in the statement's order.
    ///
    /// # Errors
    /// The database's own.
    pub fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    fn prepared(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.0.prepare_cached(sql)
    }
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(connection: &'c Connection, again: bool) -> Self {
        Self {
            tx: Tx::new(connection),
            again,
            announced: Cell::new(false),
            scrubs: Cell::new(false),
            outdates: Cell::new(false),
        }
    }

    /// Wakes those who wait on [`Store::announcements`](super::Store::announcements), once this is committed.
    pub fn announce(&self) {
        self.announced.set(true);
    }

    /// Empties the write-ahead log once this is committed, before the caller is answered: what was deleted here is then
    /// nowhere in the database's files. What is held in memory of them is outdated, as by [`Self::outdate`].
    pub fn leave_no_trace(&self) {
        self.scrubs.set(true);
        self.outdate();
    }

    /// Has everybody who holds in memory what was read before, to use it later, read it again: once this is committed, and
    /// before the caller is answered ([`Store::outdated`](super::Store::outdated)).
    pub fn outdate(&self) {
        self.outdates.set(true);
    }

    /// Whether this closure ran before, and what it wrote was undone; what it noted elsewhere was not.
    pub fn runs_again(&self) -> bool {
        self.again
    }

    pub(super) fn scrubs(&self) -> bool {
        self.scrubs.get()
    }

    pub(super) fn outdates(&self) -> bool {
        self.outdates.get()
    }

    pub(super) fn was_announced(&self) -> bool {
        self.announced.get()
    }

    /// Changes rows; returns how many.
    ///
    /// # Errors
    /// The database's own.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.tx.prepared(sql)?.execute(params)?)
    }

    /// The number of the row that was inserted last, by whichever statement of this transaction; a trigger's do not count.
    pub fn last_inserted(&self) -> i64 {
        self.tx.0.last_insert_rowid()
    }

    /// Inserts one row; returns its number.
    ///
    /// # Errors
    /// The database's own.
    pub fn insert(&self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        Ok(self.tx.prepared(sql)?.insert(params)?)
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = Tx<'c>;
    fn deref(&self) -> &Tx<'c> {
        &self.tx
    }
}
