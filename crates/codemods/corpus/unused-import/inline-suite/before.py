import sys

if sys.platform: import os
