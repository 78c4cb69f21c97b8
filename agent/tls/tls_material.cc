#include "agent/tls/tls_material.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>

namespace sidemeter {
namespace {

// The system's store has a quarter of this.
constexpr std::size_t kMaxFileBytes = 1024 * 1024;

// In a folder of authorities.
constexpr std::size_t kMaxFiles = 4'096;

constexpr std::string_view kCertificateMark = "-----BEGIN CERTIFICATE-----";

TlsFile read_file(const std::string& path) {
  TlsFile file{path, {}, {}};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(path.c_str(), "re"),
                                                               std::fclose);
  if (!stream) {
    file.cause = std::strerror(errno);
    return file;
  }
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get()) != 0) {
    file.cause = std::strerror(errno);
  } else if (text.size() > kMaxFileBytes) {
    file.cause = "expected at most 1 MiB, got more";
  } else if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    file.cause = "the file is empty";
  } else {
    text.shrink_to_fit();
    file.text = std::move(text);
  }
  return file;
}

// Certificates stand there under their own names or under hashes of their subjects (`c_rehash`),
// often under both, beside CRLs, notes and a kubelet's `..data`.
void read_folder(const std::string& path, TlsMaterial& material) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) continue;
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) names.push_back(entry->path().string());
  }
  if (error) {
    material.client_cas_cause = path + ": " + error.message();
    return;
  }
  if (names.size() > kMaxFiles) {
    material.client_cas_cause = path + ": expected at most " + std::to_string(kMaxFiles) +
                                " files, got " + std::to_string(names.size());
    return;
  }
  std::sort(names.begin(), names.end());
  std::set<std::string> seen;
  for (const std::string& name : names) {
    TlsFile file = read_file(name);
    if (file.cause.empty() && file.text.find(kCertificateMark) == std::string::npos) continue;
    if (file.cause.empty() && !seen.insert(file.text).second) continue;
    material.client_cas.push_back(std::move(file));
  }
}

}  // namespace

TlsMaterial read_material(const TlsSettings& settings) {
  TlsMaterial material;
  material.certificate = read_file(settings.certificate_file);
  material.key = read_file(settings.key_file);
  if (!settings.key_password_file.empty()) {
    material.key_password = read_file(settings.key_password_file);
  }
  if (settings.client_auth == ClientAuth::kNone) return material;
  if (!settings.client_ca_file.empty()) {
    material.client_cas.push_back(read_file(settings.client_ca_file));
  }
  if (!settings.client_ca_path.empty()) read_folder(settings.client_ca_path, material);
  if (settings.uses_system_store()) material.client_cas.push_back(read_file(kSystemStore));
  if (!settings.client_crl_file.empty()) {
    material.client_crl = read_file(settings.client_crl_file);
  }
  return material;
}

}  // namespace sidemeter
