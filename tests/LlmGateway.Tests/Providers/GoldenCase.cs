using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>One folder of golden files; tests/Fixtures/README.md says what stands in which.</summary>
internal sealed class GoldenCase
{
    private readonly string _folder;

    public GoldenCase(string dialect, string name)
    {
        Dialect = dialect;
        _folder = Path.Combine(Root, dialect, name);
        var settings = ReadJson("profile.json") ?? default;
        Habits = Text(settings, "habits") is { } habits ? Enum.Parse<TargetHabits>(habits) : TargetHabits.None;
        Request = new RequestBuilder
        {
            Body = Bytes("openai.request.json") ?? """{"messages":[{"role":"user","content":"hi"}]}"""u8.ToArray(),
            Provider = dialect,
            BaseUrl = Text(settings, "base_url") ?? "http://localhost:11434",
            Model = Text(settings, "model") ?? "test-model",
            Flavor = Text(settings, "flavor"),
            SystemPrompt = Text(settings, "system_prompt"),
            Sampling = new SamplingDefaults
            {
                Temperature = Raw(settings, "temperature"),
                TopP = Raw(settings, "top_p"),
                MaxTokens = Raw(settings, "max_tokens"),
                Stop = Raw(settings, "stop"),
                Seed = Raw(settings, "seed"),
                ReasoningEffort = Raw(settings, "reasoning_effort"),
                WantsJson = Text(settings, "response_format") == "json",
            },
        };
    }

    /// <summary>The folder of all dialects' cases.</summary>
    public static string Root { get; } = FindRoot();

    public string Dialect { get; }

    public RequestBuilder Request { get; }

    public TargetHabits Habits { get; }

    /// <summary>What is expected beside the bytes; undefined where the case says nothing.</summary>
    public JsonElement Expected => ReadJson("expect.json") ?? default;

    public byte[]? StreamReply => Bytes("provider.reply.ndjson") ?? Bytes("provider.reply.sse");

    public byte[]? Bytes(string file) => File.Exists(Path.Combine(_folder, file)) ? File.ReadAllBytes(Path.Combine(_folder, file)) : null;

    public static IEnumerable<string> DialectFolders() => Directory.EnumerateDirectories(Root).Select(folder => Path.GetFileName(folder)!);

    public static IEnumerable<(string Dialect, string Name)> All() =>
        from dialect in DialectFolders()
        from folder in Directory.EnumerateDirectories(Path.Combine(Root, dialect)).Order(StringComparer.Ordinal)
        select (dialect, Path.GetFileName(folder));

    public static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string? Raw(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value.GetRawText() : null;

    private JsonElement? ReadJson(string file) => Bytes(file) is { } bytes ? JsonDocument.Parse(bytes).RootElement : null;

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var fixtures = Path.Combine(folder.FullName, "tests", "Fixtures");
            if (Directory.Exists(fixtures))
            {
                return fixtures;
            }
        }

        throw new DirectoryNotFoundException("tests/Fixtures stands nowhere above the test's folder.");
    }
}
