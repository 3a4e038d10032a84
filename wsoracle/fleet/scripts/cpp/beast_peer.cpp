// Echo server and client on Boost.Beast: `server PORT`, `client URL AGENT`, or `--version`.
//
// read_message_max(64 MiB); permessage-deflate is off unless WSORACLE_COMPRESSION is set. A thread a connection, blocking
// calls.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/version.hpp>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = boost::asio::ip::tcp;
using Stream = websocket::stream<tcp::socket>;

static void prepare(Stream& stream) {
  stream.read_message_max(64 << 20);
  websocket::permessage_deflate compression;
  compression.server_enable = compression.client_enable = std::getenv("WSORACLE_COMPRESSION") != nullptr;
  stream.set_option(compression);
}

static void echo(Stream& stream) {
  for (beast::flat_buffer buffer;; buffer.clear()) {
    stream.read(buffer);
    stream.text(stream.got_text());
    stream.write(buffer.data());
  }
}

static void serve(unsigned short port) {
  boost::asio::io_context context;
  tcp::acceptor acceptor{context, {boost::asio::ip::make_address("127.0.0.1"), port}};
  std::cout << "READY " << acceptor.local_endpoint().port() << std::endl;
  for (;;) {
    std::thread([socket = acceptor.accept()]() mutable {
      try {
        socket.set_option(tcp::no_delay(true));
        Stream stream{std::move(socket)};
        prepare(stream);
        stream.accept();
        echo(stream);
      } catch (const beast::system_error&) {
        // The connection has ended.
      }
    }).detach();
  }
}

// Runs `use` on one connection until that has ended.
template <class Use>
static void connect(const std::string& authority, const std::string& target, Use use) {
  try {
    boost::asio::io_context context;
    tcp::socket socket{context};
    const auto colon = authority.rfind(':');
    tcp::resolver resolver{context};
    boost::asio::connect(socket, resolver.resolve(authority.substr(0, colon), authority.substr(colon + 1)));
    socket.set_option(tcp::no_delay(true));
    Stream stream{std::move(socket)};
    prepare(stream);
    stream.handshake(authority, target);
    use(stream);
  } catch (const beast::system_error& error) {
    if (error.code() != websocket::error::closed) std::cout << target << ": " << error.what() << std::endl;
  }
}

static std::string quoted(const std::string& text) {
  std::string result;
  for (unsigned char octet : text) {
    char escaped[4];
    std::snprintf(escaped, sizeof escaped, "%%%02X", octet);
    result += std::isalnum(octet) ? std::string(1, static_cast<char>(octet)) : escaped;
  }
  return result;
}

static int testee(const std::string& url, const std::string& name) {
  const std::string authority = url.substr(url.find("//") + 2);
  const std::string agent = quoted(name);
  int count = -1;
  connect(authority, "/getCaseCount", [&](Stream& stream) {
    beast::flat_buffer buffer;
    stream.read(buffer);
    count = std::stoi(beast::buffers_to_string(buffer.data()));
  });
  if (count < 0) return 1;
  for (int number = 1; number <= count; ++number)
    connect(authority, "/runCase?case=" + std::to_string(number) + "&agent=" + agent, echo);
  connect(authority, "/updateReports?agent=" + agent, echo);
  return 0;
}

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  try {
    if (role == "--version")
      std::cout << BOOST_LIB_VERSION << std::endl;
    else if (role == "server" && argc == 3)
      serve(static_cast<unsigned short>(std::stoi(argv[2])));
    else if (role == "client" && argc == 4)
      return testee(argv[2], argv[3]);
    else
      return std::cerr << "usage: server PORT | client ws://HOST:PORT AGENT | --version" << std::endl, 2;
  } catch (const std::exception& error) {
    return std::cerr << error.what() << std::endl, 1;
  }
  return 0;
}
