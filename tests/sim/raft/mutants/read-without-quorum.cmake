# A leader answers reads without asking whether it still leads.
set(file reads.cpp)
set(right [=[return read.round != 0 && acked >= membership().quorum();]=])
set(wrong [=[return read.round != 0 || acked > read.round;]=])
