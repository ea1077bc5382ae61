using BenchmarkDotNet.Running;
using LlmGateway.Benchmarks;

// dotnet run -c Release --project tests/LlmGateway.Benchmarks -- --filter '*'    Judge by the Ratio columns, not by the times.
BenchmarkSwitcher.FromAssembly(typeof(StreamBenchmarks).Assembly).Run(args);
