#!/usr/bin/env python3
"""Captures mount tables for tests/differential/tables/corpus: capture.py DIRECTORY [NAME...]

Each table is that of a process in a mount namespace of its own, in a root that real mount calls have built and that
pivot_root(2) or chroot(2) has entered, so that no row of this machine is in it. Needs root, mkfs.ext4, mkfs.xfs, mkfs.btrfs, btrfs,
mksquashfs and mkfs.erofs. Everything ends with the process; loop devices are released with their last mount.
"""
import ctypes
import os
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
R = "/tmp/corpus-root"
NEWNS, NEWUSER, NEWCGROUP, NEWNET = 0x20000, 0x10000000, 0x02000000, 0x40000000
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, MOUNT_SETATTR = 428, 429, 430, 431, 432, 442


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def call(number, *arguments):
    return check(libc.syscall(number, *arguments), f"syscall {number}")


def mount(source, target, fs_type, flags=0, data=None):
    text = lambda value: value.encode() if isinstance(value, str) else value
    check(libc.mount(text(source), text(target), text(fs_type), flags, text(data)), f"mount {target}")


def sh(script):
    subprocess.run(["bash", "-euc", f"R={R}\n{script}"], check=True, stdout=subprocess.DEVNULL)


def unshare(flags):
    check(libc.unshare(flags), "unshare")


def enter(shared=0, old="old"):
    """Makes R the root of the namespace; `shared` then makes it shared (MS_SHARED, with MS_REC its tree)."""
    sh(f"mkdir -p $R/proc $R/{old}; mountpoint -q $R/proc || mount -t proc proc $R/proc")
    os.chdir(R)
    check(libc.syscall(155, b".", old.encode()), "pivot_root")
    os.chdir("/")
    check(libc.umount2(f"/{old}".encode(), 2), "umount")
    if shared:
        mount("none", "/", None, shared)


def root(kind="tmpfs", image=None):
    sh(f"mkdir -p {R}; " + (f"mount {image} $R" if image else f"mount -t {kind} {kind} $R"))


def disk(name, mkfs, size="300M"):
    sh(f"rm -f /tmp/{name}.img; truncate -s {size} /tmp/{name}.img; {mkfs} /tmp/{name}.img >/dev/null 2>&1")
    return f"/tmp/{name}.img"


def ext4_binds():
    root(image=f"-o loop,discard,errors=remount-ro {disk('e', 'mkfs.ext4 -q')}")
    sh("""cd $R; mkdir -p srv/data etc target gone mnt; echo a >etc/hosts; echo b >etc/resolv.conf; touch target/{hosts,resolv.conf}; mkdir target/d
    mount --bind etc/hosts target/hosts; mount --bind etc/resolv.conf target/resolv.conf; mount -o remount,bind,ro target/resolv.conf
    mount --bind srv/data target/d; mount --bind srv target/d; mount --bind etc target/d
    mount --bind gone mnt; rmdir gone; mount --bind -o ro,nosuid,nodev,noexec srv/data srv/data""")
    enter()


def btrfs_subvolumes():
    image = disk("b", "mkfs.btrfs -q")
    sh(f"""mkdir -p $R; mount -o loop {image} $R; cd $R; btrfs subvolume create @ >/dev/null; btrfs subvolume create @home >/dev/null
    mkdir @/.snapshots; btrfs subvolume create @/.snapshots/1 >/dev/null; mkdir -p @/home @/top @home/user/cache; cd /; umount $R""")
    root(image=f"-o loop,subvol=@,compress=zstd:3,noatime {image}")
    sh("""cd $R; dev=$(findmnt -no SOURCE $R | sed 's/\\[.*//'); mount -o subvol=@home $dev home; mount -o subvol=@/.snapshots/1 $dev .snapshots/1
    mount -o subvolid=5 $dev top; mkdir -p mnt; mount --bind home/user/cache mnt""")
    enter()


def btrfs_snapshot_root():
    image = disk("s", "mkfs.btrfs -q")
    sh(f"""mkdir -p $R; mount -o loop {image} $R; cd $R; btrfs subvolume create @ >/dev/null; btrfs subvolume create @/.snapshots >/dev/null
    mkdir @/.snapshots/1; btrfs subvolume create @/.snapshots/1/snapshot >/dev/null; mkdir @/.snapshots/1/snapshot/{{.snapshots,var,root}}
    btrfs subvolume create @/var >/dev/null; btrfs subvolume create @/root >/dev/null; cd /; umount $R""")
    root(image=f"-o loop,subvol=@/.snapshots/1/snapshot {image}")
    sh("""cd $R; dev=$(findmnt -no SOURCE $R | sed 's/\\[.*//'); for s in .snapshots var root; do mount -o subvol=@/$s $dev $s; done""")
    enter()


def xfs():
    root(image=f"-o loop,noatime,logbufs=8 {disk('x', 'mkfs.xfs -q', '400M')}")
    sh("""cd $R; mkdir -p var/lib/data srv; mount --bind var/lib/data srv; mount --make-shared srv; mount --bind srv/ var""")
    enter()


def container(extra=""):
    sh(f"""mkdir -p $R; mount -t tmpfs tmpfs $R; mkdir -p $R/l1 $R/l2 $R/u $R/w $R/m; mkdir -p $R/l1/{{proc,sys,dev,etc,old,tmp}}; touch $R/l1/etc/hosts
    {extra}
    mount -t overlay overlay -o lowerdir=$R/l2:$R/l1,upperdir=$R/u,workdir=$R/w $R/m; cd $R/m
    mount -t proc -o nosuid,nodev,noexec proc proc; mount -t tmpfs -o nosuid,strictatime,mode=755,size=65536k tmpfs dev
    mkdir dev/pts dev/shm dev/mqueue; touch dev/null; mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
    mount -t tmpfs -o nosuid,noexec,nodev,mode=1777,size=65536k shm dev/shm; mount -t mqueue -o nosuid,noexec,nodev mqueue dev/mqueue
    mount -t sysfs -o nosuid,noexec,nodev,ro sysfs sys; mount --bind dev/null dev/null; for p in kcore keys timer_list; do [ ! -e proc/$p ] || mount --bind /dev/null proc/$p; done
    for p in scsi acpi; do [ ! -e proc/$p ] || mount -t tmpfs -o ro,size=0k tmpfs proc/$p; done; for p in bus fs irq sys; do mount --bind proc/$p proc/$p; mount -o remount,bind,ro proc/$p; done
    mount --bind etc/hosts etc/hosts""")
    global R
    R += "/m"
    enter()


def overlay_layers():
    layers = ":".join(f"/tmp/corpus-root/snapshots/{number}/fs" for number in range(60))
    sh(f"""mkdir -p $R; mount -t tmpfs tmpfs $R; for n in $(seq 0 59); do mkdir -p $R/snapshots/$n/fs; done; mkdir -p $R/snapshots/60/{{fs,work}} $R/m
    cd $R; mount -t overlay overlay -o index=off,lowerdir={layers.replace('/tmp/corpus-root/', '')},upperdir=snapshots/60/fs,workdir=snapshots/60/work $R/m""")
    enter()


def overlay_plus():
    root()
    sh("""cd $R; mkdir -p "a b" c,d e:f "g\\\\h" u w m""")
    context = call(FSOPEN, b"overlay", 0)
    set_text = lambda key, value: call(FSCONFIG, context, 1, key.encode(), value.encode(), 0)
    set_text("source", "overlay")
    for layer in ["a b", "c,d", "e:f", "g\\h"]:
        set_text("lowerdir+", f"{R}/{layer}")
    set_text("upperdir", f"{R}/u")
    set_text("workdir", f"{R}/w")
    call(FSCONFIG, context, 6, None, None, 0)
    tree = call(FSMOUNT, context, 0, 0)
    call(MOVE_MOUNT, tree, b"", -100, f"{R}/m".encode(), 4)
    enter()


def fuse():
    root()
    for name, fs_type, source, more in [("a", "fuse.sshfs", "user@server:/home/x", ",allow_other,max_read=65536"), ("b", "fuse", "portal", ""),
                                        ("c", "fuse.nydus-overlayfs", "nydus", ",default_permissions"), ("d", "fuse./usr/bin/x", "#1 \\ tab\t", "")]:
        sh(f"mkdir $R/{name}")
        fd = os.open("/dev/fuse", os.O_RDWR)
        mount(source, f"{R}/{name}", fs_type, 6, f"fd={fd},rootmode=40000,user_id=1000,group_id=1000{more}")
    enter()


def user_namespace():
    root()
    sh("""cd $R; mkdir -p ro deep/er w; mount -t tmpfs -o ro,nosuid,nodev,noexec,noatime locked ro; mount -t tmpfs t deep; mkdir deep/er; mount -t tmpfs u deep/er""")
    enter()
    unshare(NEWUSER | NEWNS)
    mount("inner", "/w", "tmpfs", 0, "size=1m")


def chroot_directory():
    root()
    sh("""cd $R; mkdir -p r/proc r/data r/run; mount -t proc proc r/proc; mount -t tmpfs t r/data; mkdir r/data/x; mount -t tmpfs u r/data/x; mount -t tmpfs v r/run""")
    enter()
    os.chroot("/r")


def chroot_covered():
    root()
    sh("""cd $R; mkdir -p r/proc r/data; mount -t proc proc r/proc; mount -t tmpfs t r/data""")
    enter()
    os.chroot("/r")
    top = os.open("/", os.O_PATH)
    mount("over", f"/proc/self/fd/{top}", "tmpfs")


def over_root():
    root()
    sh("""cd $R; mkdir -p proc data; mount -t proc proc proc; mount -t tmpfs t data""")
    enter()
    for number in range(3):
        top = os.open("/", os.O_PATH)
        mount(f"over{number}", f"/proc/self/fd/{top}", "tmpfs")


def propagation():
    root()
    sh("""cd $R; for d in shared slave both private unbindable inner; do mkdir $d; mount -t tmpfs $d $d; done; mount --make-shared shared; mount --bind shared slave
    mount --make-slave slave; mount --bind shared both; mount --make-slave both; mount --make-shared both; mount --make-unbindable unbindable; mkdir shared/sub
    mount -t tmpfs sub shared/sub; mkdir far; mount --bind both far; mount --make-slave far""")
    enter()


def names():
    root()
    base = R.encode()
    for index, name in enumerate([b"a b", b"tab\there", b"new\nline", b"back\\slash", b"hash#", b"caf\xc3\xa9", b"not-utf8-\xff\xfe", b"comma,quote\"", b"-", b" - ", b"\\040"]):
        os.mkdir(base + b"/" + name)
        mount(b"s" + name, base + b"/" + name, b"tmpfs")
    enter()


def id_mapped():
    root(image=f"-o loop {disk('i', 'mkfs.ext4 -q')}")
    sh("cd $R; mkdir -p src/sub a b; mount -t tmpfs t a")
    child = os.fork()
    if child == 0:
        unshare(NEWUSER)
        os.kill(os.getpid(), 19)
        os._exit(0)
    os.waitpid(child, 2)
    for kind in ["uid", "gid"]:
        with open(f"/proc/{child}/{kind}_map", "w") as file:
            file.write("0 100000 65536")
    namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
    for source, target in [("src", "b"), ("a", "src/sub")]:
        tree = call(OPEN_TREE, -100, f"{R}/{source}".encode(), 1)
        attr = (ctypes.c_uint64 * 4)(0x100000, 0, 0, namespace)
        call(MOUNT_SETATTR, tree, b"", 0x1000, ctypes.byref(attr), 32)
        call(MOVE_MOUNT, tree, b"", -100, f"{R}/{target}".encode(), 4)
    os.kill(child, 9)
    os.waitpid(child, 0)
    enter()


def namespaces():
    root()
    sh("""cd $R; mkdir -p run/netns; touch run/netns/{a,b,uts}; mount --make-shared --bind run/netns run/netns; mount --bind /proc/self/ns/uts run/netns/uts""")
    for name in ["a", "b"]:
        child = os.fork()
        if child == 0:
            unshare(NEWNET)
            mount("/proc/self/ns/net", f"{R}/run/netns/{name}", None, 4096)
            os._exit(0)
        os.waitpid(child, 0)
    enter()


def cgroup_hybrid():
    root()
    sh("""cd $R; mkdir -p sys; mount -t sysfs sysfs sys; mount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs sys/fs/cgroup; cd sys/fs/cgroup
    for c in cpu cpuacct cpuset memory devices freezer blkio pids; do mkdir $c; mount -t cgroup -o nosuid,nodev,noexec,$c cgroup $c; done
    mkdir systemd unified; mount -t cgroup -o name=systemd cgroup systemd; mount -t cgroup2 cgroup2 unified; mount -o remount,ro $R/sys/fs/cgroup""")
    enter()


def cgroup_namespace():
    root()
    sh("cd $R; mkdir -p outside inside")
    mount("cgroup2", f"{R}/outside", "cgroup2", 0, None)
    os.makedirs(f"{R}/outside/corpus/below", exist_ok=True)
    with open(f"{R}/outside/corpus/below/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
    unshare(NEWCGROUP)
    mount("cgroup2", f"{R}/inside", "cgroup2", 14, None)
    mount(f"{R}/outside/corpus", f"{R}/outside/corpus", None, 4096)
    enter()


def after_cgroup_namespace():
    sh("""d=$(mktemp -d); mount -t cgroup2 cgroup2 $d; for p in $(cat $d/corpus/below/cgroup.procs); do echo $p >$d/cgroup.procs; done
    rmdir $d/corpus/below $d/corpus; umount $d; rmdir $d""")


def pseudo():
    root()
    sh("""cd $R; mkdir -p proc2 sys dev; mount -t proc -o hidepid=invisible,gid=5,subset=pid proc proc2; mount -t sysfs sysfs sys; mount -t devtmpfs -o nosuid devtmpfs dev
    for t in securityfs:sys/kernel/security debugfs:sys/kernel/debug tracefs:sys/kernel/tracing pstore:sys/fs/pstore bpf:sys/fs/bpf; do
        mount -t ${t%%:*} -o nosuid,nodev,noexec ${t%%:*} ${t#*:} || true; done
    for t in hugetlbfs mqueue ramfs binfmt_misc fusectl; do mkdir $t; mount -t $t $t $t || true; done
    mkdir huge; mount -t hugetlbfs -o pagesize=2M,size=4M,min_size=2M,uid=7,mode=700 none huge || true""")
    enter()


def tmpfs_options():
    root()
    sh("""cd $R; n=0; for o in size=64k size=10% nr_inodes=100 nr_inodes=0 mode=700 mode=1777,uid=7,gid=8 huge=always huge=within_size mpol=interleave:0 noswap inode32 inode64 \\
        size=0,nr_blocks=9 ro,size=4k sync dirsync lazytime mand usrquota; do n=$((n+1)); mkdir $n; mount -t tmpfs -o $o t$n $n || rmdir $n; done""")
    enter()


def attributes():
    root()
    sh("""cd $R; n=0; for o in ro nosuid nodev noexec noatime nodiratime strictatime nosymfollow ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow nodiratime,strictatime; do
        n=$((n+1)); mkdir $n; mount -t tmpfs t $n; mount -o remount,bind,$o $n; done""")
    enter()


def kubelet():
    root(image=f"-o loop,discard {disk('k', 'mkfs.ext4 -q')}")
    csi = disk("c", "mkfs.xfs -q", "400M")
    sh(f"""cd $R; mkdir -p run var/lib/kubelet etc; mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run; p=var/lib/kubelet/pods/5f0861a0
    mkdir -p $p/volumes/kubernetes.io~{{projected/kube-api-access,secret/tls,empty-dir/scratch,csi/pvc-1/mount,configmap/conf/..data}} $p/volume-subpaths/conf/server var/lib/kubelet/plugins/globalmount
    mount -t tmpfs -o size=1024k,noswap tmpfs $p/volumes/kubernetes.io~projected/kube-api-access; mount -t tmpfs -o size=256k tmpfs $p/volumes/kubernetes.io~secret/tls
    mount -t tmpfs -o size=128m tmpfs $p/volumes/kubernetes.io~empty-dir/scratch; mount -o loop,nouuid {csi} var/lib/kubelet/plugins/globalmount
    mount --bind var/lib/kubelet/plugins/globalmount $p/volumes/kubernetes.io~csi/pvc-1/mount; touch $p/volumes/kubernetes.io~configmap/conf/..data/app.yaml $p/volume-subpaths/conf/server/0
    mount --bind $p/volumes/kubernetes.io~configmap/conf/..data/app.yaml $p/volume-subpaths/conf/server/0
    c=run/containerd/io.containerd.runtime.v2.task/k8s.io; mkdir -p $c/a/rootfs $c/b/rootfs run/containerd/shm run/netns; s=var/lib/containerd/snapshots
    mkdir -p $s/1/fs $s/2/fs $s/3/fs $s/3/work; mount -t tmpfs -o nosuid,nodev,noexec,size=65536k shm run/containerd/shm
    mount -t overlay overlay -o lowerdir=$s/2/fs:$s/1/fs,upperdir=$s/3/fs,workdir=$s/3/work $c/a/rootfs; mount -t overlay overlay -o ro,lowerdir=$s/2/fs:$s/1/fs $c/b/rootfs
    touch run/netns/cni-1; mount --bind /proc/self/ns/net run/netns/cni-1""")
    enter(shared=0x104000)


def kata():
    root(image=f"-o loop {disk('q', 'mkfs.ext4 -q')}")
    sh("""cd $R; s=run/kata-containers/shared/sandboxes/3f5c; mkdir -p $s/mounts $s/shared images/app/rootfs vol; mount -t tmpfs t vol
    mount --bind $s/mounts $s/mounts; mount --make-shared $s/mounts; mount --bind $s/mounts $s/shared; mount -o remount,bind,ro $s/shared; mount --make-slave $s/shared
    mkdir -p $s/mounts/c1/rootfs $s/mounts/c1-0123456789abcdef-data; mount --bind images/app/rootfs $s/mounts/c1/rootfs; mount --bind vol $s/mounts/c1-0123456789abcdef-data
    mount -o remount,bind,ro $s/mounts/c1-0123456789abcdef-data""")
    enter(shared=0x100000)


def snaps():
    sh("rm -rf /tmp/sq; mkdir -p /tmp/sq/meta /tmp/sq/usr; for n in core20 lxd; do rm -f /tmp/$n.snap; mksquashfs /tmp/sq /tmp/$n.snap -quiet >/dev/null; done")
    root()
    sh("""cd $R; mkdir -p snap/core20/1974 snap/lxd/24061 usr/share; for n in core20/1974 lxd/24061; do mount -t squashfs -o loop,ro,nodev /tmp/${n%%/*}.snap snap/$n; done
    mkdir -p tmp/mimic; mount --bind usr/share tmp/mimic; mount -t tmpfs -o mode=755 tmpfs usr/share; mkdir usr/share/doc tmp/mimic/doc; mount --bind tmp/mimic/doc usr/share/doc; umount -l tmp/mimic""")
    enter(shared=0x104000)


def erofs_root():
    sh("rm -rf /tmp/er /tmp/er.img; mkdir -p /tmp/er/{proc,old,etc,local,var,sys,run}; mkfs.erofs /tmp/er.img /tmp/er >/dev/null 2>&1")
    data = disk("l", "mkfs.xfs -q", "400M")
    root(image="-o loop,ro /tmp/er.img")
    sh(f"""cd $R; mount -o loop,noatime {data} local; mkdir -p local/var local/etc/upper local/etc/work; mount --bind local/var var
    mount -t overlay overlay -o lowerdir=etc,upperdir=local/etc/upper,workdir=local/etc/work etc; mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run; mount -t proc proc proc""")
    os.chdir(R)
    enter()


def autofs():
    root()
    for index, kind in enumerate(["direct", "indirect", "offset"]):
        sh(f"mkdir $R/{kind}")
        read, write = os.pipe()
        mount(f"systemd-{index}", f"{R}/{kind}", "autofs", 0, f"fd={write},pgrp={os.getpgrp()},minproto=5,maxproto=5,{kind}")
    enter()


def beneath():
    root()
    sh("cd $R; mkdir m; mount -t tmpfs top m")
    context = call(FSOPEN, b"tmpfs", 0)
    call(FSCONFIG, context, 1, b"source", b"beneath", 0)
    call(FSCONFIG, context, 6, None, None, 0)
    tree = call(FSMOUNT, context, 0, 0)
    call(MOVE_MOUNT, tree, b"", -100, f"{R}/m".encode(), 4 | 0x200)
    enter()


def ext_options():
    root()
    for index, (mkfs, options) in enumerate([("mkfs.ext4 -q", "data=journal,barrier=0,commit=30"), ("mkfs.ext4 -q -t ext2", "errors=continue"),
                                             ("mkfs.ext4 -q -t ext3", "ro,noload"), ("mkfs.ext4 -q -O quota", "usrquota,grpquota,i_version,stripe=8")]):
        image = disk(f"o{index}", mkfs, "64M")
        sh(f"cd $R; mkdir {index}; mount -o loop,{options} {image} {index} || true")
    enter()


BUILDS = {build.__name__: build for build in [
    ext4_binds, btrfs_subvolumes, btrfs_snapshot_root, xfs, container, overlay_layers, overlay_plus, fuse, user_namespace, chroot_directory,
    chroot_covered, over_root, propagation, names, id_mapped, namespaces, cgroup_hybrid, cgroup_namespace, pseudo, tmpfs_options,
    attributes, kubelet, kata, snaps, erofs_root, autofs, beneath, ext_options]}


def capture(name, directory):
    proc = os.open("/proc", os.O_PATH)
    out = os.open(f"{directory}/{name.replace('_', '-')}.mountinfo", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    unshare(NEWNS)
    mount("none", "/", None, 0x4000 | (1 << 18))
    BUILDS[name]()
    with open("/proc/self/mountinfo", "rb") as table:
        os.write(out, table.read())
    del proc


def main():
    directory, names = sys.argv[1], sys.argv[2:] or list(BUILDS)
    for name in names:
        child = os.fork()
        if child == 0:
            try:
                capture(name, directory)
            except BaseException as error:
                print(f"{name}: {error}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if f"after_{name}" in globals():
            globals()[f"after_{name}"]()
        print(name, "captured" if status == 0 else "FAILED")


main()
