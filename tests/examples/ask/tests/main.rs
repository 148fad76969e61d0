//! The results of `ask`, checked on the kernel against a table.
//!
//! The process builds a scene of mounts in a namespace of its own, makes it its root, and asks there. What the machine does
//! not allow (root, loop devices, btrfs) is not run and counted, with the reason.

// Its `main` is for the command alone.
#[allow(dead_code)]
#[path = "../main.rs"]
mod command;

mod actions;
mod asking;
mod expected;
mod have;
mod machine;
mod scene;
mod shown;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;

use scene::Scene;

type Check = dyn Fn(&Scene) -> Result<(), Failed> + Send;

/// A case: what it needs of the scene, and what it does there.
struct Case {
    name: String,
    needs: Option<have::Thing>,
    run: Box<Check>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // A listing changes nothing, and before the first thread starts is the only time to enter a namespace.
    let scene = if arguments.list { Err("only listed".to_owned()) } else { Scene::build() };
    let scene = Arc::new(scene);
    let cases = expected::cases().into_iter().chain(actions::cases()).chain(shown::cases());
    let trials = cases.map(|case| trial(case, Arc::clone(&scene))).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(case: Case, scene: Arc<Result<Scene, String>>) -> Trial {
    Trial::ignorable_test(case.name.clone(), move || {
        let scene = match &*scene {
            Ok(scene) => scene,
            Err(reason) => return not_run(reason),
        };
        if let Some(reason) = case.needs.and_then(|thing| scene.lacks(thing)) {
            return not_run(reason);
        }
        (case.run)(scene).map(|()| Completion::Completed)
    })
}
