"""Runs the end-to-end tests, quietly where all is well, and ends with `N passed, N failed, N skipped`.

    python3 tests/end_to_end                    all
    python3 tests/end_to_end http_test          some modules
"""

import os
import pathlib
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent

# Where the reference is installed (tests/run); every other test needs the standard library only.
ORACLE = FOLDER.parents[1] / "build/oracle/bin/python"
if ORACLE.exists() and "SIDEMETER_IN_ORACLE" not in os.environ:
    os.execve(ORACLE, [str(ORACLE), *sys.argv], os.environ | {"SIDEMETER_IN_ORACLE": "yes"})


class Result(unittest.TextTestResult):
    """Counts test cases, where unittest counts sub-tests."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(names):
    sys.path.insert(0, str(FOLDER))
    names = names or sorted(path.stem for path in FOLDER.glob("*_test.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    runner = unittest.TextTestRunner(sys.stdout, resultclass=Result, verbosity=1)
    total = suite.countTestCases()
    result = runner.run(suite)
    for test, reason in result.skipped:
        print(f"skipped: {test.id()}: {reason}")
    # What neither passed nor was skipped has failed, a class that could not be set up included.
    skipped = len(result.skipped)
    failed = max(total - result.passed - skipped, 0 if result.wasSuccessful() else 1)
    print(f"{result.passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and total > 0 else 1


sys.exit(main(sys.argv[1:]))
