//! Stories of the account pages, told to a database of their own.
