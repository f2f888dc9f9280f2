# The vote is not written down with its term.
set(file core.cpp)
set(right [=[ready.hard_state = handed_hard_state_ = hard_state_;]=])
set(wrong [=[handed_hard_state_ = hard_state_, ready.hard_state = HardState{hard_state_.term, 0};]=])
