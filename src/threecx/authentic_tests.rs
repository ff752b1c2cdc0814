//! Proving requests, without HTTP.

use super::*;
