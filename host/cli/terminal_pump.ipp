// Joins a WebSocket with a terminal. A part of transport.cpp, which includes it where its names are.

/// Bytes between a WebSocket and a terminal until either side ends it.
template <class Stream>
class TerminalPump {
 public:
  TerminalPump(asio::io_context& context, websocket::stream<Stream&>& socket, const TerminalSession& session)
      : context_(context), socket_(socket), session_(session), input_(context) {}
  ~TerminalPump() {
    if (input_.is_open()) (void)input_.release();
  }

  Status run(TimePoint deadline) {
    if (session_.input_fd >= 0) {
      input_.assign(session_.input_fd);
      wait_for_input();
    }
    read();
    context_.restart();
    while (!finished_ && std::chrono::steady_clock::now() < deadline) context_.run_one_until(deadline);
    const bool late = !finished_;
    end();
    while (context_.run_one() > 0) {
    }
    if (error_) return *std::move(error_);
    if (late) return timeout_error("the session");
    return {};
  }

 private:
  void end() {
    if (ended_) return;
    ended_ = true;
    finished_ = true;
    error_code ignored;
    if (input_.is_open()) input_.cancel(ignored);
    beast::get_lowest_layer(socket_).close(ignored);
  }
  void fail(const std::string& message) {
    if (!finished_) error_ = Error{Code::kUnavailable, message, kUnreachableReason};
    end();
  }

  void read() {
    socket_.async_read(buffer_, [this](error_code ec, size_t) {
      if (finished_) return;
      if (ec == websocket::error::closed) return closed();
      if (ec) return fail("the session broke: " + ec.message());
      const std::string_view message(static_cast<const char*>(buffer_.cdata().data()), buffer_.size());
      if (socket_.got_text()) return control(message);
      const Flow flow = session_.on_output(message);
      buffer_.consume(buffer_.size());
      if (flow == Flow::kStop) return end();
      read();
    });
  }
  /// {"type":"end"}: the other side has said all.
  void control(std::string_view message) {
    const auto json = nlohmann::json::parse(message, nullptr, false);
    if (json.is_object() && json.value("type", nlohmann::json()) == "end") return end();
    buffer_.consume(buffer_.size());
    read();
  }
  void closed() {
    const auto& reason = socket_.reason();
    if (reason.code == websocket::close_code::normal || reason.code == websocket::close_code::none) return end();
    if (reason.code == websocket::close_code::going_away) return fail("the host is going down");
    fail(reason.reason.empty() ? "the host ended the session" : std::string(reason.reason.c_str()));
  }

  /// Waits and then reads plainly: a terminal is shared with the shell and must not become non-blocking.
  void wait_for_input() {
    if (queue_.size() >= kMaxQueuedInput) {
      input_paused_ = true;
      return;
    }
    input_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
      if (ec || finished_) return;
      std::string chunk(4096, '\0');
      const ssize_t got = ::read(session_.input_fd, chunk.data(), chunk.size());
      if (got <= 0) return;
      chunk.resize(static_cast<size_t>(got));
      const Flow flow = session_.on_input(chunk);
      if (!chunk.empty()) send(std::move(chunk));
      if (flow == Flow::kStop) return end();
      wait_for_input();
    });
  }
  void send(std::string chunk) {
    queue_.push_back(std::move(chunk));
    if (queue_.size() == 1) write();
  }
  void write() {
    socket_.async_write(asio::buffer(queue_.front()), [this](error_code ec, size_t) {
      if (finished_) return;
      if (ec) return fail("the session broke: " + ec.message());
      queue_.pop_front();
      if (!queue_.empty()) write();
      if (std::exchange(input_paused_, false)) wait_for_input();
    });
  }

  asio::io_context& context_;
  websocket::stream<Stream&>& socket_;
  const TerminalSession& session_;
  asio::posix::stream_descriptor input_;
  beast::flat_buffer buffer_;
  std::deque<std::string> queue_;
  std::optional<Error> error_;
  bool input_paused_ = false;
  bool finished_ = false;
  bool ended_ = false;
};
