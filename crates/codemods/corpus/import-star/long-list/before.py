from some.module.with_a.long_name import *

print(first_long_name, second_long_name, third_long_name, fourth_long_name)
