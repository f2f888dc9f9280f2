# Commits entries of earlier terms by counting who has them.
set(file replication.cpp)
set(right [=[if (index <= commit_ || log_.term_at(index) != hard_state_.term) return;]=])
set(wrong [=[if (index <= commit_) return;]=])
