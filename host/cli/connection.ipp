// One connection to the host and the operations on it. A part of transport.cpp, which includes it where its names are.

/// Runs one asynchronous operation at a time until it ends or its deadline comes.
class Runner {
 public:
  asio::io_context& context() { return context_; }

  /// `start` takes a completion handler; `cancel` makes the operation end.
  template <class Start, class Cancel>
  error_code run(TimePoint deadline, Start start, Cancel cancel) {
    std::optional<error_code> done;
    start([&done](error_code ec, auto&&...) { done = ec; });
    context_.restart();
    while (!done && std::chrono::steady_clock::now() < deadline) {
      if (context_.run_one_until(deadline) == 0 && context_.stopped()) context_.restart();
    }
    if (done) return *done;
    cancel();
    while (!done && context_.run_one() > 0) {
    }
    return asio::error::timed_out;
  }

 private:
  asio::io_context context_{1};
};

Headers copy_headers(const http::fields& fields) {
  Headers headers;
  for (const auto& field : fields) headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return headers;
}

template <class Body>
void fill_head(http::request<Body>& message, const Endpoint& endpoint, const HttpRequest& request) {
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, endpoint.authority());
  message.set(http::field::user_agent, "novacron/" NOVACRON_VERSION);
  message.keep_alive(true);
  for (const auto& [name, value] : request.headers) message.set(name, value);
}

/// One connection; Stream is Socket or TlsStream.
template <class Stream>
class Connection {
 public:
  Connection(Runner& runner, const Endpoint& endpoint, Stream stream)
      : runner_(runner), endpoint_(endpoint), stream_(std::move(stream)) {}

  Stream& stream() { return stream_; }
  Socket& socket() {
    if constexpr (std::is_same_v<Stream, Socket>) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
  }

  template <class Start>
  error_code run(TimePoint deadline, Start start) {
    return runner_.run(deadline, start, [this] { close(); });
  }
  void close() {
    error_code ignored;
    socket().close(ignored);
  }

  error_code write(const HttpRequest& request, TimePoint deadline) {
    if (request.body_file.empty()) {
      http::request<http::string_body> message;
      fill_head(message, endpoint_, request);
      message.body() = request.body;
      message.prepare_payload();
      if (request.body.empty() && request.method == "POST") message.content_length(0);
      return write_message(message, deadline);
    }
    http::request<http::file_body> message;
    fill_head(message, endpoint_, request);
    error_code opened;
    message.body().open(request.body_file.c_str(), beast::file_mode::scan, opened);
    if (opened) return opened;
    message.prepare_payload();
    return write_message(message, deadline);
  }

  error_code read(Response& response, TimePoint deadline) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxResponseBytes);
    const error_code ec =
        run(deadline, [&](auto handler) { http::async_read(stream_, buffer_, parser, std::move(handler)); });
    if (ec) return ec;
    const auto& message = parser.get();
    response.value = {message.result_int(), copy_headers(message), std::move(parser.get().body())};
    response.keep_alive = parser.get().keep_alive();
    return {};
  }

  error_code read_lines(Response& response, uint64_t idle_ms, const std::function<Flow(std::string_view)>& sink) {
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);
    error_code ec = run(after_ms(idle_ms),
                        [&](auto handler) { http::async_read_header(stream_, buffer_, parser, std::move(handler)); });
    if (ec) return ec;
    response.value = {parser.get().result_int(), copy_headers(parser.get()), {}};
    const bool success = response.value.status / 100 == 2;
    std::string chunk(kChunkBytes, '\0');
    std::string& pending = response.value.body;
    while (!parser.is_done()) {
      parser.get().body() = {chunk.data(), chunk.size(), true};
      ec = run(after_ms(idle_ms),
               [&](auto handler) { http::async_read_some(stream_, buffer_, parser, std::move(handler)); });
      if (ec && ec != http::error::need_buffer) return ec;
      pending.append(chunk.data(), chunk.size() - parser.get().body().size);
      if (pending.size() > kMaxLineBytes) return http::error::body_limit;
      if (success && give_lines(pending, sink) == Flow::kStop) return {};
    }
    if (success && !pending.empty()) sink(pending);
    return {};
  }

 private:
  template <class Message>
  error_code write_message(Message& message, TimePoint deadline) {
    return run(deadline, [&](auto handler) { http::async_write(stream_, message, std::move(handler)); });
  }

  static Flow give_lines(std::string& pending, const std::function<Flow(std::string_view)>& sink) {
    size_t from = 0;
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', from)) {
      const std::string_view line(pending.data() + from, end - from);
      from = end + 1;
      if (!line.empty() && sink(line) == Flow::kStop) return Flow::kStop;
    }
    pending.erase(0, from);
    return Flow::kContinue;
  }

  Runner& runner_;
  const Endpoint& endpoint_;
  Stream stream_;
  beast::flat_buffer buffer_;
};
