#include "host/blob/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "host/base/sha256.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::blob;

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kHourMs = 3'600'000;

class ManualClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return now; }
  uint64_t real_ns() const override { return now; }
  void advance_ms(uint64_t ms) { now += ms * 1'000'000; }
  uint64_t now = 1'700'000'000ull * 1'000'000'000;
};

/// A folder of its own, with a store that can be closed and opened again.
struct Fixture {
  fs::path folder = make_temporary();
  ManualClock clock;
  Store::Options options;
  std::unique_ptr<Store> store;

  Fixture() { reopen(); }
  explicit Fixture(Store::Options wanted) : options(wanted) { reopen(); }
  ~Fixture() {
    store.reset();
    fs::remove_all(folder);
  }
  static fs::path make_temporary() {
    std::string path = fs::temp_directory_path() / "blob_test.XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    return path;
  }
  void reopen() {
    store.reset();
    auto opened = Store::open(folder / "blobs", options, clock);
    REQUIRE(opened.ok());
    store = *std::move(opened);
  }
};

std::string digest_of(std::string_view bytes) {
  return "sha256:" + sha256_hex(bytes);
}

std::string read_all(int fd) {
  std::string bytes(1'000'000, '\0');
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>(at * 31 + at / 251);
  return bytes;
}

}  // namespace

TEST_CASE("only a sha256 digest names a blob") {
  const std::string hex(64, 'a');
  for (const std::string& bad : {std::string(), hex, "sha256:" + hex.substr(1), "sha256:" + hex + "a",
                                 "sha256:" + hex.substr(1) + "A", "sha256:../" + hex.substr(3), "sha512:" + hex}) {
    INFO(bad);
    CHECK(check_digest(bad).error().reason == "blob.digest");
  }
  CHECK(check_digest("sha256:" + hex));
  Fixture fixture;
  CHECK(fixture.store->open("../../etc/passwd").error().reason == "blob.digest");
  CHECK(fixture.store->stat("sha256:" + hex).error().reason == "blob.not-found");
  CHECK(fixture.store->remove("sha256:" + hex).error().reason == "blob.not-found");
}

TEST_CASE("a blob comes in by chunks and is read by its digest") {
  Fixture fixture;
  Store& store = *fixture.store;
  const std::string bytes = pattern(100'000);
  const Upload upload = *store.begin();
  CHECK(store.append(upload.id, 0, bytes.substr(0, 60'000))->offset == 60'000);
  CHECK(store.append(upload.id, 60'000, bytes.substr(60'000))->offset == 100'000);
  CHECK(store.usage().upload_bytes == 100'000);
  const auto info = store.finish(upload.id, digest_of(bytes));
  REQUIRE(info.ok());
  CHECK(info->digest == digest_of(bytes));
  CHECK(info->size_bytes == 100'000);
  CHECK(store.usage().upload_bytes == 0);
  CHECK(store.usage().blob_bytes == 100'000);
  CHECK(store.upload(upload.id).error().reason == "blob.upload");

  auto blob = store.open(info->digest);
  REQUIRE(blob.ok());
  CHECK(read_all(blob->fd.get()) == bytes);
  CHECK((::fcntl(blob->fd.get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
  CHECK((::fcntl(blob->fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto again = store.open(info->digest);
  CHECK(read_all(again->fd.get()).size() == 100'000);
}

TEST_CASE("the empty blob is a blob") {
  Fixture fixture;
  const auto info = fixture.store->put("");
  REQUIRE(info.ok());
  CHECK(info->digest == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(fixture.store->open(info->digest).ok());
}

TEST_CASE("a chunk at another offset is refused, and the upload tells where it stands") {
  Fixture fixture;
  Store& store = *fixture.store;
  const Upload upload = *store.begin();
  REQUIRE(store.append(upload.id, 0, "12345").ok());
  CHECK(store.append(upload.id, 0, "12345").error().reason == "blob.offset");
  CHECK(store.append(upload.id, 6, "x").error().reason == "blob.offset");
  CHECK(store.upload(upload.id)->offset == 5);
  CHECK(store.append("nothing", 0, "x").error().reason == "blob.upload");
  CHECK(store.append(upload.id, 5, std::string(kMaxChunkBytes + 1, 'x')).error().reason == "blob.chunk");
  CHECK(store.finish(upload.id, digest_of("12345")).ok());
}

TEST_CASE("bytes with another digest never become a blob") {
  Fixture fixture;
  Store& store = *fixture.store;
  const Upload upload = *store.begin();
  REQUIRE(store.append(upload.id, 0, "good").ok());
  CHECK(store.finish(upload.id, digest_of("evil")).error().reason == "blob.mismatch");
  CHECK(store.usage().blobs == 0);
  CHECK(store.usage().upload_bytes == 0);
  CHECK(store.stat(digest_of("evil")).code() == Code::kNotFound);
  CHECK(store.stat(digest_of("good")).code() == Code::kNotFound);
  CHECK(store.upload(upload.id).code() == Code::kNotFound);
}

TEST_CASE("an upload goes on after a restart, and its digest covers all of it") {
  Fixture fixture;
  const std::string bytes = pattern(50'000);
  const Upload upload = *fixture.store->begin();
  REQUIRE(fixture.store->append(upload.id, 0, bytes.substr(0, 20'000)).ok());
  fixture.reopen();
  CHECK(fixture.store->usage().upload_bytes == 20'000);
  CHECK(fixture.store->upload(upload.id)->offset == 20'000);
  REQUIRE(fixture.store->append(upload.id, 20'000, bytes.substr(20'000)).ok());
  CHECK(fixture.store->finish(upload.id, digest_of(bytes)).ok());
  fixture.reopen();
  CHECK(fixture.store->stat(digest_of(bytes))->size_bytes == 50'000);
  CHECK(read_all(fixture.store->open(digest_of(bytes))->fd.get()) == bytes);
}

TEST_CASE("what a crash damaged in an upload's tail is found at its end") {
  Fixture fixture;
  const Upload upload = *fixture.store->begin();
  REQUIRE(fixture.store->append(upload.id, 0, "0123456789").ok());
  fixture.store.reset();
  {
    std::fstream file(fixture.folder / "blobs/uploads" / upload.id, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5);
    file.put('X');
  }
  fixture.reopen();
  CHECK(fixture.store->finish(upload.id, digest_of("0123456789")).error().reason == "blob.mismatch");
}

TEST_CASE("the same bytes twice are one blob") {
  Fixture fixture;
  REQUIRE(fixture.store->put("same").ok());
  REQUIRE(fixture.store->put("same").ok());
  CHECK(fixture.store->usage().blobs == 1);
  CHECK(fixture.store->usage().blob_bytes == 4);
}

TEST_CASE("another quota holds from the next byte on, and what is there stays") {
  Fixture fixture({.max_bytes = 100, .max_blob_bytes = 60});
  Store& store = *fixture.store;
  REQUIRE(store.put(std::string(60, 'a')).ok());
  store.set_max_bytes(50);
  CHECK(store.usage().max_bytes == 50);
  CHECK(store.put("b").error().reason == "blob.quota");
  CHECK(store.usage().blobs == 1);
  store.set_max_bytes(61);
  CHECK(store.put("b").ok());
}

TEST_CASE("quota, size and number of uploads are bounded, and a refusal costs nothing") {
  Fixture fixture({.max_bytes = 100, .max_blob_bytes = 60});
  Store& store = *fixture.store;
  const Upload upload = *store.begin();
  REQUIRE(store.append(upload.id, 0, std::string(60, 'a')).ok());
  CHECK(store.append(upload.id, 60, "b").error().reason == "blob.size");
  CHECK(store.put(std::string(41, 'c')).error().reason == "blob.quota");
  CHECK(store.put(std::string(40, 'c')).ok());
  CHECK(store.finish(upload.id, "").ok());
  CHECK(store.usage().blob_bytes == 100);
  CHECK(store.usage().upload_bytes == 0);
  for (size_t each = 0; each < kMaxUploads; ++each) REQUIRE(store.begin().ok());
  CHECK(store.begin().error().reason == "blob.uploads");
}

TEST_CASE("a disk that is full leaves the upload as it was") {
  Fixture fixture;
  Store& store = *fixture.store;
  const Upload upload = *store.begin();
  REQUIRE(store.append(upload.id, 0, "kept").ok());
  // The kernel's limit on the size of files stands in for a full disk: the write ends short, then with an error.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  const rlimit small{.rlim_cur = 8, .rlim_max = old_limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const bool refused = !store.append(upload.id, 4, "0123456789").ok();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  std::signal(SIGXFSZ, old_handler);
  CHECK(refused);
  CHECK(store.upload(upload.id)->offset == 4);
  CHECK(store.usage().upload_bytes == 4);
  CHECK(store.finish(upload.id, digest_of("kept")).ok());
}

TEST_CASE("blobs are listed by digest, in pages") {
  Fixture fixture;
  std::vector<std::string> digests;
  for (int each = 0; each < 5; ++each) digests.push_back(fixture.store->put(std::to_string(each))->digest);
  std::sort(digests.begin(), digests.end());
  const auto first = *fixture.store->list("", 2);
  REQUIRE(first.blobs.size() == 2);
  CHECK(first.more);
  CHECK(first.blobs[1].digest == digests[1]);
  const auto rest = *fixture.store->list(first.blobs[1].digest, 0);
  REQUIRE(rest.blobs.size() == 3);
  CHECK_FALSE(rest.more);
  CHECK(rest.blobs[2].digest == digests[4]);
}

TEST_CASE("who has a blob open keeps it when it is removed") {
  Fixture fixture;
  const auto info = *fixture.store->put("still here");
  auto blob = fixture.store->open(info.digest);
  REQUIRE(fixture.store->remove(info.digest).ok());
  CHECK(fixture.store->open(info.digest).code() == Code::kNotFound);
  CHECK(fixture.store->usage().blob_bytes == 0);
  CHECK(read_all(blob->fd.get()) == "still here");
  fixture.reopen();
  CHECK(fixture.store->usage().blobs == 0);
}

TEST_CASE("collection takes what nobody refers to, once its grace is over") {
  Fixture fixture;
  Store& store = *fixture.store;
  const auto live = *store.put("live");
  const auto dead = *store.put("dead and old");
  const auto touched = *store.put("dead, but uploaded again");
  fixture.clock.advance_ms(2 * kHourMs);
  const auto young = *store.put("young");
  REQUIRE(store.put("dead, but uploaded again").ok());
  const auto reply = *store.collect({live.digest}, kHourMs);
  CHECK(reply.removed == 1);
  CHECK(reply.removed_bytes == 12);
  CHECK(store.stat(dead.digest).code() == Code::kNotFound);
  CHECK(store.stat(live.digest).ok());
  CHECK(store.stat(touched.digest).ok());
  CHECK(store.stat(young.digest).ok());

  fixture.reopen();  // the times are on the disk
  fixture.clock.advance_ms(2 * kHourMs);
  CHECK(fixture.store->collect({live.digest}, kHourMs)->removed == 2);
  CHECK(fixture.store->usage().blobs == 1);
}

TEST_CASE("collection removes uploads that went idle") {
  Fixture fixture;
  Store& store = *fixture.store;
  const Upload idle = *store.begin();
  const Upload busy = *store.begin();
  REQUIRE(store.append(idle.id, 0, "abc").ok());
  fixture.clock.advance_ms(fixture.options.upload_idle_ms - kHourMs);
  REQUIRE(store.append(busy.id, 0, "abc").ok());
  fixture.clock.advance_ms(2 * kHourMs);
  CHECK(store.collect({}, kHourMs)->uploads_removed == 1);
  CHECK(store.upload(idle.id).code() == Code::kNotFound);
  CHECK(store.upload(busy.id).ok());
  CHECK(store.usage().upload_bytes == 3);
  CHECK(fs::is_empty(fixture.folder / "blobs/uploads") == false);
}

TEST_CASE("a folder has one user, and is not opened when another version wrote it") {
  Fixture fixture;
  CHECK(Store::open(fixture.folder / "blobs", {}, fixture.clock).error().reason == "blob.locked");
  fixture.store.reset();
  std::ofstream(fixture.folder / "blobs/format") << "novacron-blobs 2\n";
  CHECK(Store::open(fixture.folder / "blobs", {}, fixture.clock).error().reason == "blob.format");
}

TEST_CASE("a finish that was cut short before its rename can be done again") {
  Fixture fixture;
  const Upload upload = *fixture.store->begin();
  REQUIRE(fixture.store->append(upload.id, 0, "abc").ok());
  fixture.store.reset();
  fs::permissions(fixture.folder / "blobs/uploads" / upload.id, fs::perms::owner_read);
  fixture.reopen();
  CHECK(fixture.store->finish(upload.id, digest_of("abc")).ok());
}

TEST_CASE("many threads upload the same bytes and others beside them") {
  Fixture fixture;
  std::vector<std::thread> threads;
  std::atomic<size_t> stored{0};
  for (size_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (size_t each = 0; each < 5; ++each) {
        if (fixture.store->put("common " + std::to_string(each)).ok()) ++stored;
        if (fixture.store->put("own " + std::to_string(thread) + " " + std::to_string(each)).ok()) ++stored;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(stored == 40);
  CHECK(fixture.store->usage().blobs == 25);
  CHECK(fixture.store->usage().upload_bytes == 0);
  const uint64_t bytes = fixture.store->usage().blob_bytes;
  fixture.reopen();
  CHECK(fixture.store->usage().blobs == 25);
  CHECK(fixture.store->usage().blob_bytes == bytes);
}
