# A vote is given to who has less.
set(file election.cpp)
set(right [=[const bool granted = is_free && is_up_to_date &&]=])
set(wrong [=[const bool granted = is_free && (is_up_to_date || true) &&]=])
