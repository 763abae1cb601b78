"""Prints, before all else, what the interpreter has loaded and started when an application begins."""

import sys

loaded = sorted(sys.modules)
holders = sorted(name for name, module in list(sys.modules.items()) if getattr(module, "SSLContext", None) is not None)
threads = len(sys._current_frames())

if __name__ == "__main__":
    import json

    print(json.dumps({"loaded": loaded, "holders": holders, "threads": threads}))
