# A snapshot carries members that came after it.
set(file core.cpp)
set(right [=[auto after = memberships_.upper_bound(index);]=])
set(wrong [=[auto after = memberships_.upper_bound(index + 1'000'000);]=])
