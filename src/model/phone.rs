//! placeholder
/// E.164
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Phone(String);
impl Phone {
    /// With `+`.
    pub fn as_str(&self) -> &str { &self.0 }
}
