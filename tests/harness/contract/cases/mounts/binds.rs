//! Binding: what the new mount is, and what a refused bind leaves.

use std::path::Path;

use mountwright_core::file::{FileIdentity, FileKind};
use mountwright_core::mount::Guarantee;
use mountwright_core::{BindRequest, Errno, Location, Propagation, RelativePath};

use crate::contract::case::Case;
use crate::contract::scene::{at, below, bind, mode};

fn onto(source: &str, target: Location) -> BindRequest {
    BindRequest::new(at(source), target)
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a bind that cannot resolve a path names the path and the component", |s| {
        s.does("file /w/dir/file text; dir /w/target; link loop /w/loop; link nowhere /w/dangling");
        for (source, target, errno, cause) in [
            ("/w/no/such", "/w/target", Errno::ENOENT, "source: /w/no is missing"),
            ("/w/dir", "/w/target/no/such", Errno::ENOENT, "target: /w/target/no is missing"),
            ("/w/dir/file/x", "/w/target", Errno::ENOTDIR, "source: /w/dir/file is no directory"),
            ("/w/dir/file", "/w/dir/file/x/y", Errno::ENOTDIR, "target: /w/dir/file is no directory"),
            ("/w/loop", "/w/target", Errno::ELOOP, "source: /w/loop is a symlink, or leads to too many"),
            ("/w/dangling", "/w/target", Errno::ENOENT, "source: the symlink /w/dangling leads nowhere"),
            ("/w/dir", "/w/dir/file", Errno::ENOTDIR, "the source is a directory and the target is not"),
            ("/w/dir/file", "/w/target", Errno::ENOTDIR, "the target is a directory and the source is not"),
        ] {
            let error = s.mounter().bind(&bind(source, target)).unwrap_err();
            assert_eq!((error.errno(), error.detail()), (errno, Some(cause)), "{source} {target}");
        }
        let below_root = BindRequest::new(below("/w", "dir/file/x"), at("/w/target"));
        let error = s.mounter().bind(&below_root).unwrap_err();
        assert_eq!(error.detail(), Some("source: /w/dir/file is no directory"));
    }),
    Case::new("a bind whose source was removed says so", |s| {
        s.does("file /w/source text; file /w/bound; file /w/target; bind /w/source /w/bound");
        s.fs().remove_file(&at("/w/source")).unwrap();
        let error = s.mounter().bind(&bind("/w/bound", "/w/target")).unwrap_err();
        assert_eq!((error.errno(), error.detail()), (Errno::ENOENT, Some("the source is a file that was removed")));
    }),
    Case::new("a bound directory shows the source's files, as one mount of the same filesystem", |s| {
        s.does("file /w/source/sub/f text; dir /w/target");
        let report = s.mounter().bind(&bind("/w/source/sub", "/w/target")).unwrap();
        assert_eq!(s.text("/w/target/f"), b"text");
        assert_eq!(s.mount_points(), ["/w/target"]);
        let (mount, home) = (s.mount("/w/target"), s.mount("/w"));
        assert_eq!((mount.device, mount.root.as_path()), (home.device, Path::new("/source/sub")));
        assert_eq!((mount.fs_type, mount.source), (home.fs_type, home.source));
        assert_eq!(report.created, [] as [&Path; 0]);
        assert_eq!(s.mounter().find_mount(report.mount).unwrap().id, mount.id);
        assert_eq!(s.key("/w/target"), report.mount);
    }),
    Case::new("a bind reports which file it was attached to, unless it was stacked", |s| {
        s.does("dir /w/source /w/target; file /w/file; file /w/onto");
        for (source, target) in [("/w/source", "/w/target"), ("/w/source", "/w/made"), ("/w/file", "/w/onto")] {
            let request = bind(source, target).creating_target(mode(0o755));
            let report = s.mounter().bind(&request).unwrap();
            assert_eq!(s.mounter().bind(&request.stacking()).unwrap().target, None, "{target}");
            s.does(&format!("detach {target} {target}"));
            assert_eq!(report.target, Some(FileIdentity::from(&s.stat(target))), "{target}");
        }
    }),
    Case::new("anything that is no directory is bound onto anything that is none", |s| {
        s.does("file /w/file text; fifo /w/fifo; socket /w/socket");
        for (source, kind) in
            [("/w/file", FileKind::Regular), ("/w/fifo", FileKind::Fifo), ("/w/socket", FileKind::Socket)]
        {
            s.does("file /w/target");
            s.mounter().bind(&bind(source, "/w/target")).unwrap();
            assert_eq!(s.kind("/w/target"), Some(kind));
            assert_eq!(s.stat("/w/target").inode, s.stat(source).inode);
            s.does("detach /w/target");
        }
        s.mounter().bind(&bind("/w/file", "/w/fifo")).unwrap();
        assert_eq!(s.text("/w/fifo"), b"text");
    }),
    Case::new("a directory and something else are ENOTDIR, either way round, before anything is made", |s| {
        s.does("dir /w/dir; file /w/file kept; fifo /w/fifo");
        for (source, target) in [("/w/dir", "/w/file"), ("/w/file", "/w/dir"), ("/w/fifo", "/w/dir")] {
            s.refuses(Errno::ENOTDIR, || s.mounter().bind(&bind(source, target)));
            s.refuses(Errno::ENOTDIR, || s.mounter().bind(&bind(source, target).creating_target(mode(0o755))));
            s.refuses(Errno::ENOTDIR, || s.mounter().bind(&bind(source, target).read_only()));
        }
    }),
    Case::new("a missing source is ENOENT, and nothing is made for it", |s| {
        s.does("link nowhere /w/dangles");
        for source in ["/w/missing", "/w/dangles"] {
            s.refuses(Errno::ENOENT, || s.mounter().bind(&bind(source, "/w/a/b").creating_target(mode(0o755))));
        }
    }),
    Case::new("a missing target is ENOENT, unless it is to be made", |s| {
        s.does("dir /w/source");
        s.refuses(Errno::ENOENT, || s.mounter().bind(&bind("/w/source", "/w/missing")));
        s.refuses(Errno::ENOENT, || s.mounter().bind(&onto("/w/source", below("/w", "missing"))));
    }),
    Case::new("a target that is to be made is made with all above it, of exactly the mode, whatever the umask", |s| {
        s.does("file /w/source/f text; dir /w/there; chmod 711 /w/there");
        s.world().set_umask(0o777);
        for (place, path) in [(at("/w/there/t/a/b"), "/w/there/t"), (below("/w", "there/b/a/b"), "/w/there/b")] {
            let report = s.mounter().bind(&onto("/w/source", place).creating_target(mode(0o2751))).unwrap();
            let made = ["", "a", "a/b"].map(|rest| Path::new(path).join(rest));
            assert_eq!(report.created, made);
            assert_eq!(s.text(made[2].join("f")), b"text");
            s.does(&format!("detach {}", made[2].display()));
            for path in made {
                assert_eq!((s.kind(&path), s.mode(&path)), (Some(FileKind::Directory), 0o2751), "{}", path.display());
            }
        }
        assert_eq!(s.mode("/w/there"), 0o711, "what was there before keeps its mode");
    }),
    Case::new("directories that are made for a target inherit set-group-id", |s| {
        s.does("dir /w/source /w/group; chmod 2755 /w/group");
        for (place, path) in [(at("/w/group/t/a"), "/w/group/t"), (below("/w", "group/b/a"), "/w/group/b")] {
            s.mounter().bind(&onto("/w/source", place).creating_target(mode(0o750))).unwrap();
            let made = format!("{path}/a");
            s.does(&format!("detach {made}"));
            assert_eq!((s.mode(path), s.mode(&made)), (0o2750, 0o2750));
        }
    }),
    Case::new("for what is no directory an empty file is made", |s| {
        s.does("file /w/source text; fifo /w/fifo");
        s.world().set_umask(0o777);
        for (source, place, path) in [
            ("/w/source", at("/w/t/file"), "/w/t/file"),
            ("/w/fifo", at("/w/t/fifo"), "/w/t/fifo"),
            ("/w/source", below("/w", "b/file"), "/w/b/file"),
        ] {
            let parent_is_new = !s.exists(Path::new(path).parent().unwrap());
            let report = s.mounter().bind(&onto(source, place).creating_target(mode(0o640))).unwrap();
            assert_eq!(report.created.len(), if parent_is_new { 2 } else { 1 });
            assert_eq!(report.created.last().unwrap(), Path::new(path));
            s.does(&format!("detach {path}"));
            assert_eq!((s.kind(path), s.mode(path), s.stat(path).size), (Some(FileKind::Regular), 0o640, 0));
        }
        assert_eq!((s.kind("/w/t"), s.mode("/w/t")), (Some(FileKind::Directory), 0o640));
    }),
    Case::new("directories and the file that are made for a target have a mode each, 0755 by default", |s| {
        s.does("file /w/source text; dir /w/directory");
        s.world().set_umask(0o077);
        let made = |request: BindRequest, path: &str| {
            s.mounter().bind(&request).unwrap();
            s.does(&format!("detach {path}"));
            (s.mode(Path::new(path).parent().unwrap()), s.mode(path))
        };
        for (place, path) in [(at("/w/t/file"), "/w/t/file"), (below("/w", "b/file"), "/w/b/file")] {
            let request = onto("/w/source", place).creating_target_with(mode(0o751), mode(0o640));
            assert_eq!(made(request, path), (0o751, 0o640));
        }
        let directory = bind("/w/directory", "/w/d/directory").creating_target_with(mode(0o751), mode(0o640));
        assert_eq!(made(directory, "/w/d/directory"), (0o751, 0o751));
        let private = BindRequest::private(at("/w/source"), at("/w/p/file"));
        assert_eq!(made(private, "/w/p/file"), (0o755, 0o755));
    }),
    Case::new("a target that is there already is not made again, and keeps its mode", |s| {
        s.does("dir /w/source /w/target; chmod 700 /w/target");
        let report = s.mounter().bind(&bind("/w/source", "/w/target").creating_target(mode(0o755))).unwrap();
        assert_eq!(report.created, [] as [&Path; 0]);
        s.does("detach /w/target");
        assert_eq!(s.mode("/w/target"), 0o700);
    }),
    Case::new("what was made for a bind that is then refused is gone again", |s| {
        s.does("tmpfs /w/source; unbindable /w/source");
        let request = |place| onto("/w/source", place).creating_target(mode(0o755));
        s.refuses(Errno::EINVAL, || s.mounter().bind(&request(at("/w/a/b/c"))));
        s.refuses(Errno::EINVAL, || s.mounter().bind(&request(below("/w", "a/b/c"))));
    }),
    Case::new("a target that cannot be made on a read-only mount is EROFS", |s| {
        s.does("dir /w/source; tmpfs /w/m; read-only /w/m");
        let request = |place| onto("/w/source", place).creating_target(mode(0o755));
        s.refuses(Errno::EROFS, || s.mounter().bind(&request(at("/w/m/a"))));
        s.refuses(Errno::EROFS, || s.mounter().bind(&request(below("/w/m", "a/b"))));
    }),
    Case::new("a directory of a read-only mount is a target as any other", |s| {
        s.does("file /w/source/f text; tmpfs /w/m; dir /w/m/target; read-only /w/m");
        s.mounter().bind(&bind("/w/source", "/w/m/target")).unwrap();
        assert_eq!(s.try_write("/w/m/target"), Ok(()));
    }),
    Case::new("a target that is a mount point is EBUSY, unless the bind is to stack", |s| {
        s.does("file /w/source/f new; tmpfs /w/target; file /w/target/f old");
        for place in [at("/w/target"), below("/w", "target")] {
            s.refuses(Errno::EBUSY, || s.mounter().bind(&onto("/w/source", place.clone())));
            s.refuses(Errno::EBUSY, || {
                s.mounter().bind(&onto("/w/source", place.clone()).creating_target(mode(0o755)))
            });
            s.mounter().bind(&onto("/w/source", place).stacking()).unwrap();
            assert_eq!(s.text("/w/target/f"), b"new");
            assert_eq!(s.mount_points(), ["/w/target", "/w/target"]);
            let mounts = s.mounts();
            assert_eq!(mounts[1].parent, mounts[0].id);
            s.does("detach /w/target");
            assert_eq!(s.text("/w/target/f"), b"old");
        }
    }),
    Case::new("a file that a file is bound on is EBUSY too, and stacks", |s| {
        s.does("file /w/one one; file /w/two two; file /w/target");
        s.mounter().bind(&bind("/w/one", "/w/target")).unwrap();
        s.refuses(Errno::EBUSY, || s.mounter().bind(&bind("/w/two", "/w/target")));
        s.mounter().bind(&bind("/w/two", "/w/target").stacking()).unwrap();
        assert_eq!((s.text("/w/target"), s.mounts().len()), (b"two".to_vec(), 2));
    }),
    Case::new("a bind that stacks on one mount is EBUSY on any other, and while that one is shared", |s| {
        s.does("dir /w/source; tmpfs /w/m");
        let mount = s.key("/w/m");
        let outer = s.key("/w");
        let wanted = |propagation| bind("/w/source", "/w/m").propagation(propagation).stacking_on(mount);
        s.refuses(Errno::EBUSY, || s.mounter().bind(&wanted(Propagation::Shared).stacking_on(outer)));
        s.does("shared /w/m");
        s.refuses(Errno::EBUSY, || s.mounter().bind(&wanted(Propagation::Shared)));
        s.does("private /w/m; tmpfs /w/m");
        s.refuses(Errno::EBUSY, || s.mounter().bind(&wanted(Propagation::Shared)));
        s.does("detach /w/m");
        s.refuses(Errno::EINVAL, || s.mounter().bind(&wanted(Propagation::Slave)));
        s.refuses(Errno::EINVAL, || s.mounter().bind(&bind("/w/source", "/w/m").stacking_on(mount)));
    }),
    Case::new("a bind that stacks on one mount has a peer group of its own, or is private or unbindable", |s| {
        s.does("tmpfs /w/source; shared /w/source; dir /w/source/inner; tmpfs /w/m");
        let mount = s.mount("/w/m");
        for propagation in [Propagation::Shared, Propagation::Private, Propagation::Unbindable] {
            let request = bind("/w/source", "/w/m").propagation(propagation).stacking_on(mount.key());
            let bound = s.mounter().find_mount(s.mounter().bind(&request).unwrap().mount).unwrap();
            assert_eq!((bound.parent, bound.propagation.master), (mount.id, None), "{propagation}");
            assert_eq!(bound.propagation.unbindable, propagation == Propagation::Unbindable);
            assert_eq!(bound.propagation.peers.is_some(), propagation == Propagation::Shared);
            assert_ne!(bound.propagation.peers, s.mount("/w/source").propagation.peers);
            s.does("tmpfs /w/source/inner");
            assert!(!s.is_mounted("/w/m/inner"), "{propagation}");
            s.does("detach /w/source/inner /w/m");
        }
    }),
    Case::new("a directory is bound onto itself", |s| {
        s.does("file /w/dir/f text");
        s.mounter().bind(&bind("/w/dir", "/w/dir")).unwrap();
        assert_eq!((s.mount_points(), s.text("/w/dir/f")), (vec!["/w/dir".to_owned()], b"text".to_vec()));
    }),
    Case::new("a source on an unbindable mount is EINVAL, at its root and below it", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner; file /w/m/file; unbindable /w/m; dir /w/target; file /w/empty");
        s.refuses(Errno::EINVAL, || s.mounter().bind(&bind("/w/m", "/w/target")));
        s.refuses(Errno::EINVAL, || s.mounter().bind(&bind("/w/m/inner", "/w/target").recursive()));
        s.refuses(Errno::EINVAL, || s.mounter().bind(&bind("/w/m/file", "/w/empty")));
    }),
    Case::new("a bind takes one mount, a recursive one the mounts below it too", |s| {
        s.does("tmpfs /w/source /w/source/a /w/source/a/b; file /w/source/a/b/f deep; dir /w/one /w/all");
        s.mounter().bind(&bind("/w/source", "/w/one")).unwrap();
        s.mounter().bind(&bind("/w/source", "/w/all").recursive()).unwrap();
        let copies: Vec<_> = s.mount_points().split_off(3);
        assert_eq!(copies, ["/w/one", "/w/all", "/w/all/a", "/w/all/a/b"]);
        assert_eq!(s.text("/w/all/a/b/f"), b"deep");
        assert_eq!(s.world().names(Path::new("/w/one/a")).unwrap(), [""; 0]);
    }),
    Case::new("a recursive bind of a directory takes the mounts below it and no others", |s| {
        s.does("tmpfs /w/source/in/m /w/source/out; dir /w/all");
        s.mounter().bind(&bind("/w/source/in", "/w/all").recursive()).unwrap();
        assert_eq!(s.mount_points().split_off(2), ["/w/all", "/w/all/m"]);
    }),
    Case::new("a recursive bind into its own source ends", |s| {
        s.does("tmpfs /w/source; dir /w/source/inner");
        s.mounter().bind(&bind("/w/source", "/w/source/inner").recursive()).unwrap();
        assert_eq!(s.mount_points(), ["/w/source", "/w/source/inner"]);
        assert!(s.exists("/w/source/inner/inner") && !s.is_mounted("/w/source/inner/inner"));
    }),
    Case::new("a recursive bind leaves out unbindable mounts with all below them", |s| {
        s.does("tmpfs /w/source /w/source/no /w/source/no/below /w/source/yes; unbindable /w/source/no; dir /w/all");
        s.mounter().bind(&bind("/w/source", "/w/all").recursive()).unwrap();
        assert_eq!(s.mount_points().split_off(4), ["/w/all", "/w/all/yes"]);
    }),
    Case::new("a bind takes what is on top of its source", |s| {
        s.does("tmpfs /w/source /w/source; file /w/source/f top; dir /w/target");
        s.mounter().bind(&bind("/w/source", "/w/target").recursive()).unwrap();
        assert_eq!(s.text("/w/target/f"), b"top");
        assert_eq!(s.mount_points().split_off(2), ["/w/target"]);
    }),
    Case::new("a trusted source and a trusted target may be symlinks", |s| {
        s.does("file /w/real/source/f text; dir /w/real/target; link real/source /w/from; link /w/real/target /w/to");
        s.mounter().bind(&bind("/w/from", "/w/to")).unwrap();
        assert_eq!(s.mount_points(), ["/w/real/target"]);
        assert_eq!(s.kind("/w/to"), Some(FileKind::Symlink));
        s.does("file /w/real/file linked; file /w/real/empty; link real/file /w/file");
        s.mounter().bind(&bind("/w/file", "/w/real/empty")).unwrap();
        assert_eq!(s.text("/w/real/empty"), b"linked");
    }),
    Case::new("below a root a symlink at the end of source or target is ELOOP", |s| {
        s.does("dir /w/source /w/target; link source /w/from; link target /w/to; link nowhere /w/dangles");
        let from = BindRequest::new(below("/w", "from"), at("/w/target"));
        s.refuses(Errno::ELOOP, || s.mounter().bind(&from));
        for name in ["to", "dangles"] {
            let to = onto("/w/source", below("/w", name));
            s.refuses(Errno::ELOOP, || s.mounter().bind(&to));
            s.refuses(Errno::ELOOP, || s.mounter().bind(&to.clone().creating_target(mode(0o755))));
            s.refuses(Errno::ELOOP, || s.mounter().bind(&to.clone().stacking()));
        }
    }),
    Case::new("nothing is made behind a symlink below a root", |s| {
        s.does("dir /w/outside /w/source; link ../outside /w/root/link");
        let request = onto("/w/source", below("/w/root", "link/a/b")).creating_target(mode(0o755));
        s.refuses(Errno::ELOOP, || s.mounter().bind(&request));
        s.does("tmpfs /w/root/mounted");
        let request = onto("/w/source", below("/w/root", "mounted/a/b")).creating_target(mode(0o755));
        s.refuses(Errno::EXDEV, || s.mounter().bind(&request));
    }),
    Case::new("below a root the source may be the root of a mount", |s| {
        s.does("tmpfs /w/root/m; file /w/root/m/f mounted; dir /w/target");
        let source = Location::Beneath { root: "/w/root".into(), path: RelativePath::new("m").unwrap() };
        s.mounter().bind(&BindRequest::new(source, at("/w/target"))).unwrap();
        assert_eq!(s.text("/w/target/f"), b"mounted");
    }),
    Case::new("a source whose directory was removed is ENOENT", |s| {
        s.does("dir /w/gone /w/m /w/target; bind /w/gone /w/m; rmdir /w/gone");
        s.refuses(Errno::ENOENT, || s.mounter().bind(&bind("/w/m", "/w/target")));
    }),
    Case::new(
        "a guarantee that cannot be given is EOPNOTSUPP, and nothing is touched; one that is given is reported",
        |s| {
            s.does("dir /w/source");
            let request = bind("/w/source", "/w/a/t");
            for request in [request.clone(), request.clone().read_only(), request.read_only().recursive()] {
                let request = request.creating_target(mode(0o755)).require(Guarantee::Atomic);
                match s.mounter().bind(&request) {
                    Ok(report) => {
                        assert_eq!(report.guarantee, Guarantee::Atomic);
                        s.does("detach /w/a/t; rmdir /w/a/t /w/a");
                    }
                    Err(_) => drop(s.refuses(Errno::EOPNOTSUPP, || s.mounter().bind(&request))),
                }
            }
        },
    ),
];
