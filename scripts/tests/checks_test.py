"""The checks of `make lint` find what they are there to find, and leave the rest alone."""

import importlib.util
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent


def script(name):
    """A script as a module: they have no .py at their end."""
    loader = SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


files = script("check-files")
imports = script("check-imports")
tests = script("count-tests")


def crate(name, *dependencies, kind=None):
    return {"name": name, "dependencies": [{"name": d, "kind": kind} for d in dependencies]}


class Files(unittest.TestCase):
    def test_a_long_file_is_found_and_a_generated_one_is_not(self):
        self.assertEqual(len(files.findings_in("crates/core/src/outbox.rs", "x\n" * 601)), 1)
        self.assertEqual(files.findings_in("crates/core/src/outbox.rs", "x\n" * 600), [])
        self.assertEqual(files.findings_in("ui/src/contract/Command.ts", "x\n" * 601), [])

    def test_paths_of_a_machine_are_found_and_paths_of_the_project_are_not(self):
        for bad in ["see /root/.cargo", "cd /work/main", '"/home/maya/notes"']:
            self.assertEqual(len(files.findings_in("README.md", bad)), 1, bad)
        for good in ["~/work/x", "crates/root/src", "https://example.org/work/1", "$HOME/root/"]:
            self.assertEqual(files.findings_in("README.md", good), [], good)

    def test_hosts_of_registries_are_found(self):
        self.assertEqual(len(files.findings_in("ui/.npmrc", "registry=https://registry.npmjs.org/")), 1)
        lock = '{"packages": {"node_modules/a": {"resolved": "https://example.org/a.tgz"}, "b": {"resolved": "b"}}}'
        self.assertEqual(len(files.findings_in("ui/package-lock.json", lock)), 1)
        self.assertEqual(files.findings_in("ui/package-lock.json", lock.replace("https://example.org/", "")), [])
        self.assertEqual(len(files.findings_in("Cargo.lock", 'source = "git+https://example.org/a"\n')), 1)

    def test_a_lock_of_another_list_is_found(self):
        lock = '{"packages": {"": {"name": "ui", "devDependencies": {"vite": "8.3.8"}}}}'
        self.assertTrue(files.lock_is_of(lock, '{"name": "ui", "devDependencies": {"vite": "8.3.8"}}'))
        self.assertFalse(files.lock_is_of(lock, '{"name": "ui", "devDependencies": {"vite": "8.3.9"}}'))

    def test_dead_code_and_mod_rs_are_found(self):
        self.assertEqual(len(files.findings_in("crates/core/src/a.rs", "#[allow(unused, dead_code)]\n")), 1)
        self.assertEqual(len(files.findings_in("crates/core/src/sync/mod.rs", "")), 1)
        self.assertEqual(files.findings_in("tests/tests/people/mod.rs", ""), [])


class Imports(unittest.TestCase):
    def test_the_call_rules_may_not_know_the_server(self):
        server = crate("im-server")
        self.assertEqual(len(imports.crate_breaches([crate("im-call", "im-server"), server])), 1)
        self.assertEqual(imports.crate_breaches([crate("im-call", "im-protocol"), crate("im-protocol")]), [])

    def test_only_tests_may_know_the_testkit(self):
        kit = crate("im-testkit")
        self.assertEqual(imports.crate_breaches([crate("im-core", "im-testkit", kind="dev"), kit]), [])
        self.assertEqual(len(imports.crate_breaches([crate("im-core", "im-testkit"), kit])), 1)

    def test_nobody_may_know_the_shell(self):
        shell = crate("instantmentor", "tauri")
        self.assertEqual(imports.crate_breaches([shell]), [])
        self.assertEqual(len(imports.crate_breaches([crate("im-e2e", "instantmentor"), shell])), 1)

    def test_libraries_stay_at_home_and_new_crates_need_a_line(self):
        self.assertEqual(len(imports.crate_breaches([crate("im-core", "tauri-plugin-opener")])), 1)
        self.assertEqual(len(imports.crate_breaches([crate("im-call", "webrtc")])), 1)
        self.assertEqual(len(imports.crate_breaches([crate("im-core", "engineioxide")])), 1)
        self.assertEqual(len(imports.crate_breaches([crate("im-notify", "rusqlite")])), 1)
        self.assertEqual(len(imports.crate_breaches([crate("instantmentor", "reqwest")])), 1)
        self.assertEqual(len(imports.crate_breaches([crate("instantmentor", "tokio-tungstenite")])), 1)
        self.assertEqual(imports.crate_breaches([crate("im-core", "reqwest")]), [])
        self.assertEqual(imports.crate_breaches([crate("im-media", "tokio-tungstenite")]), [])
        self.assertEqual(imports.crate_breaches([crate("im-server", "engineioxide", "rusqlite", "sqlx")]), [])
        self.assertEqual(len(imports.crate_breaches([crate("im-novelty")])), 1)

    def breaches_of_a_page(self, files):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder)
            for place, text in files.items():
                (source / place).parent.mkdir(parents=True, exist_ok=True)
                (source / place).write_text(text, encoding="utf-8")
            return [b.split(" imports")[0].split(":")[0] for b in imports.page_breaches(source)]

    def test_the_rooms_of_the_page(self):
        breaches = self.breaches_of_a_page({
            "platform/tauri.ts": 'import { invoke } from "@tauri-apps/api/core";',
            "kit/Button.svelte": 'import { chat } from "../features/chat/chat";',
            "kit/Field.svelte": 'import { t } from "../i18n/words";\nimport Button from "./Button.svelte";',
            "features/chat/List.svelte": 'import Row from "../../kit/Row.svelte";\nimport { show } from "../people/show";',
            "state/app.svelte.ts": 'const view = () => import("../views/Home.svelte");',
            "views/Home.svelte": 'const api = await import("@tauri-apps/api");',
            "novelty/new.ts": "",
        })
        wrong = ["kit/Button.svelte", "kit/Field.svelte", "novelty/new.ts", "state/app.svelte.ts", "views/Home.svelte"]
        self.assertEqual(breaches, [f"ui/src/{place}" for place in wrong])

    def test_the_files_beside_the_rooms_of_the_page(self):
        breaches = self.breaches_of_a_page({
            "main.ts": 'import App from "./App.svelte";\nimport "./styles/base.css";',
            "surroundings.svelte.ts": 'import { titleOf } from "./title";\nimport { t } from "./i18n/words";',
            "title.ts": 'import { t } from "./i18n/words";\nimport type { App } from "./state/app.svelte";',
            "views/Main.svelte": 'import { titleOf } from "../title";',
        })
        self.assertEqual(breaches, ["ui/src/surroundings.svelte.ts", "ui/src/views/Main.svelte"])


class Counting(unittest.TestCase):
    def test_each_runner_is_understood(self):
        for log, expected in [
            ("test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out", (3, 1)),
            ("     Summary [   1.203s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 4 skipped", (6, 3)),
            ("     \x1b[31;1mSummary\x1b[0m [   0.1s] 3/5 tests run: 2 passed, 1 failed, 0 skipped", (2, 1)),
            ("      Tests  1 failed | 11 passed | 2 skipped (14)", (11, 1)),
            ("  2 failed\n  5 passed (3.2s)", (5, 2)),
            ("ℹ pass 4\nℹ fail 0", (4, 0)),
            ("Ran 6 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)", (3, 2)),
            ("Ran 6 tests in 0.1s\n\nOK (skipped=2)", (4, 0)),
            (tests.FAILED_WITHOUT_TEST, (0, 1)),
            ("Test Files  2 passed (2)\nall 7 passed through", (0, 0)),
        ]:
            self.assertEqual(tests.count(log), expected, log)


if __name__ == "__main__":
    unittest.main()
