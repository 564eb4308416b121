//! Doors over HTTP: the only actix-web. Every URL is in [`routes`].

mod agent;
mod cookie;
mod fault;
mod form;
mod guard;
mod metrics;
mod token;
mod visit;
