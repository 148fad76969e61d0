//! Every method of the trait [`Kernel`], forwarded with something around it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::{IdRange, MountNamespaceId};
use mountwright_linux::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat, for_each_call};

use crate::test_kit::interposed::between::Between;
use crate::test_kit::interposed::wrapper::Interposed;

macro_rules! forwarded {
    ($($variant:ident = $name:literal, $doc:literal =>
        (fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty);)*) => {
        impl<K: Kernel, B: Between> Kernel for Interposed<K, B> {
            type Fd = K::Fd;

            fn probe(&self, call: Call) -> Result<(), Errno> {
                self.around(call, true, || self.kernel.probe(call))
            }

            $(
                fn $method(&self $(, $argument: $type)*) -> Result<$answer, Errno> {
                    self.around(Call::$variant, false, || self.kernel.$method($($argument),*))
                }
            )*
        }
    };
}

for_each_call! { forwarded }
