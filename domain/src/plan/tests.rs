//! Tests that prove the planner: named examples, every small input, and a model of the cloud.

mod budgets;
mod cases;
mod convergence;
mod enumeration;
mod examples;
mod model;
mod promises;
mod settling;
mod shows;
mod steps;
mod stories;
mod support;
mod watching;
