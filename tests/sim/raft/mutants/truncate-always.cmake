# Every append cuts off what comes behind it, also a late one.
set(file replication.cpp)
set(right [=[if (log_.has(entry->index, entry->term)) continue;]=])
set(wrong [=[if (log_.has(entry->index, entry->term) && entry->index <= commit_) continue;]=])
