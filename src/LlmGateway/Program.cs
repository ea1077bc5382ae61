using System.Collections;
using LlmGateway;

var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
var app = GatewayHost.Build(new HostInputs { Args = args, WorkingDirectory = Environment.CurrentDirectory, Variables = variables });
await app.RunAsync();
