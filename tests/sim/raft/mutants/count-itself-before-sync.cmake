# A leader counts its own copy before its disk has it.
set(file replication.cpp)
set(right [=[send_when_durable(node(), AppendReply{true, log_.last_index()});]=])
set(wrong [=[send(node(), AppendReply{true, log_.last_index()});]=])
