//! Black-box tests: a whole Gerege on a database of its own, asked over HTTP. One binary, so that
//! the house is linked once.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod app;
mod crash;
mod floors;
mod http;
mod log;
mod pages;
