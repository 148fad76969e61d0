//! A change of a mount's attributes.

use crate::mount::{AtimeMode, MountFlags};

/// A change of a mount's attributes: attributes that it does not name stay.
///
/// * No attribute is both set and cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AttributeChange {
    set: MountFlags,
    clear: MountFlags,
    atime: Option<AtimeMode>,
}

impl AttributeChange {
    /// Changes nothing.
    pub const NOTHING: Self = Self { set: MountFlags::NONE, clear: MountFlags::NONE, atime: None };
    /// Sets [`MountFlags::READ_ONLY`].
    pub const READ_ONLY: Self = Self { set: MountFlags::READ_ONLY, clear: MountFlags::NONE, atime: None };

    /// Sets `set`, clears `clear`, and where `atime` is given makes that the atime class. `None` where a flag is in both
    /// sets.
    pub fn new(set: MountFlags, clear: MountFlags, atime: Option<AtimeMode>) -> Option<Self> {
        let both = set.without(MountFlags::ALL.without(clear));
        both.is_empty().then_some(Self { set, clear, atime })
    }

    /// Sets `flags` and changes nothing else.
    pub const fn setting(flags: MountFlags) -> Self {
        Self { set: flags, clear: MountFlags::NONE, atime: None }
    }

    /// The flags it sets.
    pub const fn set(self) -> MountFlags {
        self.set
    }

    /// The flags it clears.
    pub const fn clear(self) -> MountFlags {
        self.clear
    }

    /// The atime class it gives; `None`: it stays.
    pub const fn atime(self) -> Option<AtimeMode> {
        self.atime
    }

    /// True where it changes nothing.
    pub fn is_nothing(self) -> bool {
        self == Self::NOTHING
    }

    /// This change, and `flags` set too (no longer cleared).
    #[must_use]
    pub fn and_set(self, flags: MountFlags) -> Self {
        Self { set: self.set | flags, clear: self.clear.without(flags), atime: self.atime }
    }

    /// This change followed by `later`, as one change: `later` decides where both name an attribute.
    #[must_use]
    pub fn and_then(self, later: Self) -> Self {
        Self {
            set: self.set.without(later.clear) | later.set,
            clear: self.clear.without(later.set) | later.clear,
            atime: later.atime.or(self.atime),
        }
    }

    /// This change without the attributes that `other` names.
    pub(crate) fn without(self, other: Self) -> Self {
        let named = other.set | other.clear;
        let atime = if other.atime.is_some() { None } else { self.atime };
        Self { set: self.set.without(named), clear: self.clear.without(named), atime }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::MountAttributes;

    #[test]
    fn a_flag_is_not_both_set_and_cleared() {
        let both = MountFlags::NO_DEV | MountFlags::READ_ONLY;
        assert_eq!(AttributeChange::new(both, MountFlags::READ_ONLY, None), None);
    }

    #[test]
    fn what_is_not_named_stays() {
        let before = MountAttributes { flags: MountFlags::NO_SUID | MountFlags::NO_EXEC, atime: AtimeMode::Never };
        let change = AttributeChange::new(MountFlags::READ_ONLY, MountFlags::NO_EXEC, None).unwrap();
        let after = before.changed_by(change);
        assert_eq!(after.flags, MountFlags::READ_ONLY | MountFlags::NO_SUID);
        assert_eq!(after.atime, AtimeMode::Never);
        assert_eq!(before.changed_by(AttributeChange::NOTHING), before);
    }

    #[test]
    fn the_later_of_two_changes_decides() {
        let change = |set, clear, atime| AttributeChange::new(set, clear, atime).unwrap();
        let first = change(MountFlags::READ_ONLY | MountFlags::NO_DEV, MountFlags::NO_EXEC, Some(AtimeMode::Never));
        let later = change(MountFlags::NO_EXEC, MountFlags::READ_ONLY, None);
        let both = change(MountFlags::NO_DEV | MountFlags::NO_EXEC, MountFlags::READ_ONLY, Some(AtimeMode::Never));
        assert_eq!(first.and_then(later), both);
        assert_eq!(first.without(later), change(MountFlags::NO_DEV, MountFlags::NONE, Some(AtimeMode::Never)));
        let strict = change(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Strict));
        assert_eq!((first.and_then(strict).atime(), first.without(strict).atime()), (Some(AtimeMode::Strict), None));
    }

    #[test]
    fn only_what_changes_nothing_is_nothing() {
        assert!(AttributeChange::NOTHING.is_nothing() && AttributeChange::setting(MountFlags::NONE).is_nothing());
        let clearing = AttributeChange::new(MountFlags::NONE, MountFlags::NO_DEV, None).unwrap();
        let atime = AttributeChange::new(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Relative)).unwrap();
        for change in [AttributeChange::READ_ONLY, AttributeChange::setting(MountFlags::NO_SUID), clearing, atime] {
            assert!(!change.is_nothing(), "{change:?}");
        }
        assert_eq!(AttributeChange::setting(MountFlags::READ_ONLY), AttributeChange::READ_ONLY);
    }
}
