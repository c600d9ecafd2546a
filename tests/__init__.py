"""The tests. Several workers share the cores: each then does linear algebra in one thread.

This is said before numpy is imported; what the environment says already stands.
"""

import os

if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_name, "1")
