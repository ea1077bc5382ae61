using LlmGateway.Limits;
using LlmGateway.Model;

namespace LlmGateway.Tests.Limits;

public sealed class BudgetTests
{
    [Theory]
    [InlineData("day", "2030-03-31T23:59:59.999Z", "2030-03-31", "2030-04-01")]
    [InlineData("day", "2030-04-01T00:00:00Z", "2030-04-01", "2030-04-02")]
    [InlineData("day", "2030-04-01T01:30:00+02:00", "2030-03-31", "2030-04-01")]
    [InlineData("week", "2030-04-07T12:00:00Z", "2030-04-01", "2030-04-08")]
    [InlineData("week", "2030-04-08T00:00:00Z", "2030-04-08", "2030-04-15")]
    [InlineData("month", "2028-02-29T12:00:00Z", "2028-02-01", "2028-03-01")]
    [InlineData("month", "2030-12-31T23:59:59Z", "2030-12-01", "2031-01-01")]
    public void A_moment_falls_in_one_period(string name, string moment, string start, string end)
    {
        var period = BudgetPeriod.Of(name, DateTimeOffset.Parse(moment, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal((Day(start), (DateTimeOffset?)Day(end)), (period.Start, period.End));

        static DateTimeOffset Day(string text) => DateTimeOffset.Parse(text + "T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Without_a_period_a_budget_is_for_ever()
    {
        var period = BudgetPeriod.Of(null, DateTimeOffset.UnixEpoch.AddYears(60));

        Assert.Equal((DateTimeOffset.UnixEpoch, null, "all"), (period.Start, period.End, period.Id));
    }

    [Fact]
    public void Periods_have_different_names()
    {
        var moment = new DateTimeOffset(2030, 4, 1, 0, 0, 0, TimeSpan.Zero);

        Assert.Equal(4, ((string?[])["day", "week", "month", null]).Select(name => BudgetPeriod.Of(name, moment).Id).Distinct().Count());
    }

    [Fact]
    public void What_is_set_aside_counts_until_it_is_settled()
    {
        var account = new BudgetAccount();
        account.Open(30);

        Assert.Equal(new BudgetReading(BudgetVerdict.Fits, 30, 60), account.Hold(100, 60));
        Assert.Equal(new BudgetReading(BudgetVerdict.TooMuch, 30, 60), account.Hold(100, 11));
        Assert.Equal(BudgetVerdict.Fits, account.Look(100).Verdict);
        account.Settle(60, 5);

        Assert.Equal(new BudgetReading(BudgetVerdict.Fits, 35, 65), account.Hold(100, 65));
        Assert.Equal(BudgetVerdict.TooMuch, account.Look(100).Verdict);
    }

    [Fact]
    public async Task Two_hundred_at_once_get_exactly_what_the_budget_holds()
    {
        var account = new BudgetAccount();
        account.Open(0);

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            await Task.Yield();
            return account.Hold(1_000, 100).Verdict;
        }));

        Assert.Equal(10, verdicts.Count(verdict => verdict == BudgetVerdict.Fits));
    }

    [Fact]
    public void Spans_of_time_are_spans_of_ids()
    {
        var moment = new DateTimeOffset(2030, 4, 1, 0, 0, 0, TimeSpan.Zero);
        var bound = Convert.ToHexString(UniqueIds.FirstOf(moment).ToByteArray(bigEndian: true));

        Assert.True(string.CompareOrdinal(Convert.ToHexString(UniqueIds.NewVersion7(moment).ToByteArray(bigEndian: true)), bound) > 0);
        Assert.True(string.CompareOrdinal(Convert.ToHexString(UniqueIds.NewVersion7(moment.AddMilliseconds(-1)).ToByteArray(bigEndian: true)), bound) < 0);
        Assert.Equal(moment, UniqueIds.TimeOf(UniqueIds.NewVersion7(moment)));
    }

    [Theory]
    [InlineData(0, "0ms")]
    [InlineData(250, "250ms")]
    [InlineData(7_500, "7.5s")]
    [InlineData(60_250, "1m0.25s")]
    public void Durations_are_written_as_OpenAI_does(long milliseconds, string text) => Assert.Equal(text, LimitHeaders.Duration(milliseconds));
}
