//! Tables for the content policy.
use super::*;

#[test]
fn the_built_in_rules_compile() {
    ContentPolicy::built_in();
}
