import sys

if sys.platform: pass
