# frozen_string_literal: true

require_relative "lib/sidemeter"

Gem::Specification.new do |gem|
  gem.name = "sidemeter"
  gem.version = Sidemeter::VERSION
  gem.summary = "Pushes metrics to the Sidemeter agent beside the process."
  gem.description = "Counters, gauges, histograms, summaries, infos and statesets, aggregated in the process and sent " \
                    "in batches over a Unix socket. One file, no dependency, safe under threads and fork."
  gem.authors = ["The Sidemeter developers"]
  gem.files = ["lib/sidemeter.rb", "README.md", "example.rb"]
  gem.required_ruby_version = ">= 3.1"
end
