//! The keys of the objects.
//!
//! A key names its kind of object and not the type, so that two objects can have each other's keys.

use crate::model::store::arena::Key;

macro_rules! kinds {
    ($($kind:ident: $key:ident,)*) => {
        $(
            #[derive(Debug)]
            pub(crate) enum $kind {}
            pub(crate) type $key = Key<$kind>;
        )*
    };
}

kinds! {
    Dentries: DentryKey,
    Files: FileKey,
    Inodes: InodeKey,
    Mounts: MountKey,
    Namespaces: NamespaceKey,
    Superblocks: SuperKey,
}
