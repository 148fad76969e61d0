//! A mount table as a node has it.

use std::fmt::Write as _;

/// The mountinfo of a node with so many mounts: the host's own, and pods with a tmpfs, a bind and an overlay each.
pub(crate) fn of(mounts: usize) -> Vec<u8> {
    let mut text = String::from(
        "22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw\n\
         27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n",
    );
    for at in 2..mounts {
        let id = at + 40;
        let _ = match at % 3 {
            0 => writeln!(
                text,
                "{id} 27 0:{at} / /var/lib/kubelet/pods/5f0861a0-97d1-4f2b-8a3e-{at:012x}/volumes/kubernetes.io~secret/token \
                 rw,relatime shared:{at} - tmpfs tmpfs rw,size=65536k,inode64"
            ),
            1 => writeln!(
                text,
                "{id} 27 254:0 /srv/volumes/{at} /run/kata-containers/shared/sandboxes/{at:012x}/mounts/data \
                 ro,relatime - ext4 /dev/vda rw,discard"
            ),
            _ => writeln!(
                text,
                "{id} 27 0:{at} / /run/containerd/io.containerd.runtime.v2.task/k8s.io/{at:064x}/rootfs rw,relatime \
                 shared:{at} - overlay overlay rw,lowerdir=/var/lib/snapshots/{at}/fs:/var/lib/snapshots/{at}1/fs,\
                 upperdir=/var/lib/snapshots/{at}2/fs,workdir=/var/lib/snapshots/{at}2/work,xino=off"
            ),
        };
    }
    text.into_bytes()
}
