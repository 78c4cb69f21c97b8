"""Runs the tests beside it, and ends with `N passed, N failed, N skipped`."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "client/python"), str(ROOT / "tests/end_to_end")]


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(names):
    suite = unittest.defaultTestLoader.loadTestsFromNames(names or sorted(path.stem for path in HERE.glob("*_test.py")))
    total = suite.countTestCases()
    result = unittest.TextTestRunner(sys.stdout, resultclass=Result).run(suite)
    for test, reason in result.skipped:
        print(f"skipped: {test.id()}: {reason}")
    skipped = len(result.skipped)
    failed = max(total - result.passed - skipped, 0 if result.wasSuccessful() else 1)
    print(f"{result.passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and total > 0 else 1


sys.exit(main(sys.argv[1:]))
