using LlmGateway.Limits;

namespace LlmGateway.Tests.Limits;

public sealed class SlidingWindowTests
{
    [Fact]
    public void No_sixty_seconds_ever_hold_more_than_the_limit()
    {
        // Asks every 7 ms for three minutes, beginning at odd moments; what is let in is checked against each window that ends with an admission.
        const int Limit = 100;
        foreach (var start in (long[])[0, 1, 249, 59_999, 1_234_567])
        {
            var window = new SlidingWindow();
            var admitted = new List<long>();
            for (var now = start; now < start + 180_000; now += 7)
            {
                if (window.Used(now) + 1 <= Limit)
                {
                    window.Add(now, 1);
                    admitted.Add(now);
                }
            }

            var first = 0;
            for (var i = 0; i < admitted.Count; i++)
            {
                while (admitted[i] - admitted[first] >= SlidingWindow.WindowMilliseconds)
                {
                    first++;
                }

                Assert.InRange(i - first + 1, 1, Limit);
            }

            // And not much less than that: three whole windows' worth in three minutes.
            Assert.InRange(admitted.Count, (Limit * 3) - 2, Limit * 3);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(123)]
    [InlineData(249)]
    [InlineData(250)]
    public void Wait_is_exact(long start)
    {
        var window = new SlidingWindow();
        window.Add(start, 3);
        window.Add(start + 10_000, 2);
        var now = start + 20_000;

        var one = window.WaitFor(now, 1, 5)!.Value;
        var four = window.WaitFor(now, 4, 5)!.Value;

        Assert.Equal(5, window.Used(now + one - 1));
        Assert.Equal(2, window.Used(now + one));
        Assert.Equal(40_000, one);
        Assert.Equal(0, window.Used(now + four));
        Assert.Null(new SlidingWindow().WaitFor(0, 6, 5));
        Assert.Equal(0, new SlidingWindow().WaitFor(0, 5, 5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(249)]
    public void Nobody_waits_for_longer_than_the_window(long start)
    {
        var window = new SlidingWindow();
        window.Add(start, 1);

        Assert.Equal(SlidingWindow.WindowMilliseconds, window.WaitFor(start, 1, 1));
        Assert.Equal(SlidingWindow.WindowMilliseconds, window.Reset(start));
        Assert.Equal(1, window.Used(start + SlidingWindow.WindowMilliseconds - 1));
        Assert.Equal(0, window.Used(start + SlidingWindow.WindowMilliseconds));
    }

    [Fact]
    public void Slot_counts_whole_until_its_latest_use_is_out()
    {
        var window = new SlidingWindow();
        window.Add(1_000, 1);
        window.Add(1_200, 1);

        Assert.Equal(2, window.Used(61_199));
        Assert.Equal(0, window.Used(61_200));
    }

    [Fact]
    public void Reset_is_when_nothing_counts_any_more()
    {
        var window = new SlidingWindow();
        Assert.Equal(0, window.Reset(5));
        window.Add(1_000, 1);
        window.Add(31_000, 1);

        var reset = window.Reset(40_000);

        Assert.Equal(1, window.Used(40_000 + reset - 1));
        Assert.Equal(0, window.Used(40_000 + reset));
    }

    [Fact]
    public void Correct_changes_the_slot_that_was_counted()
    {
        var window = new SlidingWindow();
        window.Add(0, 1000);

        window.Correct(0, 30_000, -900);

        Assert.Equal(100, window.Used(30_000));
        Assert.Equal(0, window.Used(60_000));
    }

    [Fact]
    public void Correct_of_what_is_out_of_the_window_adds_only_what_came_on_top()
    {
        var window = new SlidingWindow();
        window.Add(0, 1000);

        window.Correct(0, 70_000, -900);
        Assert.Equal(0, window.Used(70_000));

        window.Correct(0, 70_000, 50);
        Assert.Equal(50, window.Used(70_000));
    }

    [Fact]
    public void Long_silence_clears_everything()
    {
        var window = new SlidingWindow();
        window.Add(500, 7);

        Assert.Equal(0, window.Used(long.MaxValue / 4));
    }
}
