using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Sessions;
using LlmGateway.Tests.Database;
using LlmGateway.Tests.Usage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.Tests.Sessions;

public sealed class ChatHistoryTests : IDisposable
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly FakeTime _time = new();
    private readonly LedgerFile _file = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Clean_NobodySaysAnything_TextGoesWhenItsTimeIsUp()
    {
        await using var database = TestDatabase.Sqlite(_file.Path, _time, schemas: new ChatHistorySchema());
        using var history = await WithOneExchangeAsync(database, days: 1);

        _time.Advance(23 * Hour);
        var before = await KeptAsync(history);
        for (var hour = 0; hour < 3; hour++)
        {
            await EventuallyAsync(() => Task.FromResult(_time.TimersDueIn(Hour) == 1));
            _time.Advance(Hour);
        }

        await EventuallyAsync(async () => await KeptAsync(history) == 0);
        Assert.Equal(1, before);
        await history.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Clean_TextIsNoLongerKept_WhatWasKeptGoes()
    {
        await using var database = TestDatabase.Sqlite(_file.Path, _time, schemas: new ChatHistorySchema());
        using var before = await WithOneExchangeAsync(database, days: 30);
        await before.StopAsync(Cancelled);
        _time.Advance(TimeSpan.FromSeconds(1));

        using var history = new ChatHistory(database, 0, _time, NullLogger<ChatHistory>.Instance);
        await history.StartAsync(Cancelled);

        await EventuallyAsync(async () => await KeptAsync(history) == 0);
        await history.StopAsync(Cancelled);
    }

    private async Task<ChatHistory> WithOneExchangeAsync(IDatabase database, int days)
    {
        var history = new ChatHistory(database, days, _time, NullLogger<ChatHistory>.Instance);
        await history.StartAsync(Cancelled);
        history.Add(Exchange());
        await EventuallyAsync(async () => await KeptAsync(history) == 1);
        return history;
    }

    private static async Task<int> KeptAsync(ChatHistory history) => (await history.LastAsync("s", "crm", 10, Cancelled)).Count;

    private ChatExchange Exchange() => new()
    {
        Id = UniqueIds.NewVersion7(_time.GetUtcNow()),
        SessionId = "s",
        Owner = "crm",
        UserMessage = "Hi",
        AssistantMessage = "ok",
        ModelUsed = "m",
        Provider = "p",
        Agent = "default",
        TokensUsed = 1,
        CostMicroUsd = 1,
        CreatedAt = _time.GetUtcNow(),
        RequestId = "r",
    };

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var tries = 0; !await condition(); tries++)
        {
            Assert.True(tries < 4_000, "waited in vain");
            await timer.WaitForNextTickAsync(Cancelled);
        }
    }
}
