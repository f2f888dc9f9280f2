# A follower says that it has what its disk may still lose.
set(file replication.cpp)
set(right [=[send_when_durable(message.from, AppendReply{true, last});]=])
set(wrong [=[send(message.from, AppendReply{true, last});]=])
