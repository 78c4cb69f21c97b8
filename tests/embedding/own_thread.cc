// A program that owns an agent on a thread of its own, as Python's
// start_http_server() would: start, addresses, shutdown, join.
//
//   own_thread SOCKET      prints the address to scrape; a line on standard input ends it
#include <cstdio>
#include <iostream>
#include <string>

#include "agent/agent.h"

namespace {

class StderrLog final : public sidemeter::Log {
 public:
  void write(sidemeter::LogLevel, std::string_view message,
             std::initializer_list<sidemeter::LogField> fields) override {
    std::cerr << message;
    for (const auto& field : fields) std::cerr << ' ' << field.key << '=' << field.value;
    std::cerr << '\n';
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  StderrLog log;
  sidemeter::AgentOptions options;
  options.socket_path = argv[1];
  options.listen = {"127.0.0.1:0"};

  auto agent = sidemeter::AgentThread::start(options, log);
  if (!agent) {
    std::cerr << agent.error().message << '\n';
    return 1;
  }
  std::cout << (*agent)->addresses().at(0) << std::endl;

  // The program's own work.
  std::string line;
  std::getline(std::cin, line);

  (*agent)->shutdown();
  (*agent)->join();
  std::cout << "stopped" << std::endl;
  return 0;
}
