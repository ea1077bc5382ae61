using System.Text;
using LlmGateway.Sessions;

namespace LlmGateway.Tests.Sessions;

public sealed class MemorySessionsTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public void Append_ToMissing_MakesIt()
    {
        var sessions = new MemorySessions(_time);

        var before = sessions.Find("a", "crm");
        sessions.Append("a", "crm", [Entry("one")], replaces: false);
        sessions.Append("a", "crm", [Entry("two")], replaces: false);

        Assert.Equal(SessionState.Missing, before.State);
        Assert.Equal(["one", "two"], Texts(sessions.Find("a", "crm")));
    }

    [Fact]
    public void Append_Replacing_ForgetsWhatWasThere()
    {
        var sessions = new MemorySessions(_time);
        sessions.Append("a", "crm", [Entry("one")], replaces: false);

        sessions.Append("a", "crm", [Entry("two")], replaces: true);

        Assert.Equal(["two"], Texts(sessions.Find("a", "crm")));
    }

    [Fact]
    public void Append_BeyondTwenty_KeepsTheLast()
    {
        var sessions = new MemorySessions(_time);

        for (var i = 1; i <= 25; i++)
        {
            sessions.Append("a", "crm", [Entry($"{i}")], replaces: false);
        }

        Assert.Equal(Enumerable.Range(6, 20).Select(i => $"{i}"), Texts(sessions.Find("a", "crm")));
    }

    [Fact]
    public void Append_CuttingACallOff_CutsItsResultsToo()
    {
        var sessions = new MemorySessions(_time);
        List<SessionEntry> entries = [Entry("call"), Entry("result 1", SessionEntryKind.ToolResult), Entry("result 2", SessionEntryKind.ToolResult)];
        entries.AddRange(Enumerable.Range(0, 18).Select(i => Entry($"{i}")));

        sessions.Append("a", "crm", entries, replaces: false);

        Assert.Equal(Enumerable.Range(0, 18).Select(i => $"{i}"), Texts(sessions.Find("a", "crm")));
    }

    [Fact]
    public void Find_ByAnother_IsForeign()
    {
        var sessions = new MemorySessions(_time);
        sessions.Append("a", "crm", [Entry("one")], replaces: false);

        var found = sessions.Find("a", "erp");

        Assert.Equal((SessionState.Foreign, 0), (found.State, found.Entries.Count));
        Assert.Equal(SessionState.Foreign, sessions.Append("a", "erp", [Entry("two")], replaces: true));
        Assert.Equal(SessionState.Foreign, sessions.Remove("a", "erp"));
    }

    [Fact]
    public void Find_WithinTheHour_KeepsItAlive()
    {
        var sessions = new MemorySessions(_time);
        sessions.Append("a", "crm", [Entry("one")], replaces: false);

        _time.Advance(TimeSpan.FromMinutes(59));
        var used = sessions.Find("a", "crm").State;
        _time.Advance(TimeSpan.FromMinutes(59));
        var still = sessions.Find("a", "crm").State;
        _time.Advance(TimeSpan.FromMinutes(60));

        Assert.Equal((SessionState.Found, SessionState.Found, SessionState.Missing), (used, still, sessions.Find("a", "crm").State));
    }

    [Fact]
    public void Append_BeyondTheBytes_DropsTheLongestUnused()
    {
        var sessions = new MemorySessions(_time, maxBytes: 10_000);

        for (var i = 0; i < 20; i++)
        {
            sessions.Append($"{i}", "crm", [Entry(new string('x', 1000))], replaces: false);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(sessions.Count, 3, 7);
        Assert.Equal(SessionState.Missing, sessions.Find("0", "crm").State);
        Assert.Equal(SessionState.Found, sessions.Find("19", "crm").State);
    }

    [Fact]
    public async Task Append_FromManyThreads_LosesNothing()
    {
        var sessions = new MemorySessions(_time);

        await Parallel.ForEachAsync(Enumerable.Range(0, 20), TestContext.Current.CancellationToken, (i, _) =>
        {
            sessions.Append("a", "crm", [Entry($"{i}")], replaces: false);
            return ValueTask.CompletedTask;
        });

        Assert.Equal(Enumerable.Range(0, 20), Texts(sessions.Find("a", "crm")).Select(int.Parse).Order());
    }

    [Fact]
    public void An_entry_survives_its_line()
    {
        var entry = new SessionEntry(SessionEntryKind.ToolResult, """{"role":"tool","content":"a\tb"}"""u8.ToArray(), """{"timestamp":"x"}"""u8.ToArray());

        var read = SessionEntry.FromLine(entry.ToLine())!;

        Assert.Equal(entry.Kind, read.Kind);
        Assert.Equal(entry.Message.ToArray(), read.Message.ToArray());
        Assert.Equal(entry.Info.ToArray(), read.Info.ToArray());
        Assert.Null(SessionEntry.FromLine("nonsense"u8.ToArray()));
    }

    private static SessionEntry Entry(string text, SessionEntryKind kind = SessionEntryKind.Message) => new(kind, Encoding.UTF8.GetBytes(text), "{}"u8.ToArray());

    private static IEnumerable<string> Texts(SessionLookup found) => found.Entries.Select(entry => Encoding.UTF8.GetString(entry.Message.Span));
}
