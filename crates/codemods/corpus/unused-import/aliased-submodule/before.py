import os
import xml.dom as dom

print(os)
